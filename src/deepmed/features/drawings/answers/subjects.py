"""What children drew, as the configuration routes count it."""

from collections import defaultdict
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import overviews
from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.schemas.config import SubjectCategory, SubjectsResponse
from deepmed.features.drawings.subjects import SubjectCategory as Subject
from deepmed.features.drawings.subjects import canonical_subject
from deepmed.kit.errors import NotFoundError

VISUAL, SLOTS = 768, 64
NOT_COMPARABLE = "Scores of different models are not on one scale, so there is no mean of them."
NO_ATTRIBUTION = "A rank among typical drawings names no cause, so there is nothing to count."


def subjects(desk: Desk) -> SubjectsResponse:
    with desk.bench.database.read() as session:
        used = repository.subjects(session, desk.bench.owner_id)
    total = sum(used.values())
    named = total - used.get(None, 0)
    categories = [
        SubjectCategory(
            category=each.value,
            display_name=each.value.capitalize() if each.value.islower() else each.value,
            usage_count=used.get(each.value, 0),
            is_default=each is Subject.UNSPECIFIED,
        )
        for each in Subject
    ]
    return SubjectsResponse(
        supported_categories=sorted(
            categories, key=lambda each: (-each.usage_count, each.category)
        ),
        total_categories=len(Subject),
        statistics={
            "total_drawings": total,
            "drawings_with_subject": named,
            "drawings_without_subject": total - named,
            "subject_coverage_percentage": 100 * named / total if total else None,
        },
        subject_aware_analysis={
            "enabled": True,
            "default_category": Subject.UNSPECIFIED.value,
            "hybrid_embedding_dimensions": VISUAL + SLOTS,
            "visual_component_dimensions": VISUAL,
            "subject_component_dimensions": SLOTS,
        },
    )


def statistics(desk: Desk, subject: str | None) -> dict[str, Any]:
    with desk.bench.database.read() as session:
        if subject is None:
            return _across(desk, session)
        return _of(desk, session, canonical_subject(subject))


def _of(desk: Desk, session: Session, subject: str) -> dict[str, Any]:
    owner = desk.bench.owner_id
    ages = repository.ages_of_subject(session, owner, subject)
    if not ages:
        raise NotFoundError(f"There are no drawings of {subject}.")
    counted = overviews.by_subject(session, owner).get(subject, {"analysed": 0, "flagged": 0})
    bins: dict[int, int] = defaultdict(int)
    for age, number in ages.items():
        bins[int(age)] += number
    return {
        "subject": subject,
        "total_drawings": sum(ages.values()),
        "age_distribution": [
            {"age_group": f"{age}-{age + 1}", "count": bins[age]} for age in sorted(bins)
        ],
        "analysis_statistics": _counts(counted),
        "attribution_breakdown": [],
        "attribution_reason": NO_ATTRIBUTION,
    }


def _across(desk: Desk, session: Session) -> dict[str, Any]:
    owner = desk.bench.owner_id
    used = {
        subject or Subject.UNSPECIFIED.value: number
        for subject, number in repository.subjects(session, owner).items()
    }
    counted = overviews.by_subject(session, owner)
    total = sum(used.values())
    return {
        "overview": {
            "total_subjects_with_data": len(used),
            "total_drawings": total,
            "total_analyses": sum(each["analysed"] for each in counted.values()),
        },
        "subject_distribution": [
            {"subject": subject, "drawing_count": number, "percentage": 100 * number / total}
            for subject, number in sorted(used.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        "cross_subject_analysis": [
            {"subject": subject, **_counts(counts)} for subject, counts in sorted(counted.items())
        ],
        "overall_attribution_breakdown": [],
        "attribution_reason": NO_ATTRIBUTION,
    }


def _counts(counted: dict[str, int]) -> dict[str, Any]:
    """Newest answers that could have been a flag, and how many of them are one."""
    analysed, flagged = counted["analysed"], counted["flagged"]
    return {
        "total_analyses": analysed,
        "anomaly_count": flagged,
        "normal_count": analysed - flagged,
        "anomaly_rate": 100 * flagged / analysed if analysed else None,
        "average_anomaly_score": None,
        "average_normalized_score": None,
        "average_confidence": None,
        "average_reason": NOT_COMPARABLE,
    }
