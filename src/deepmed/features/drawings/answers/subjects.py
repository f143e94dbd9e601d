"""What children drew, as the configuration routes count it."""

from collections import Counter

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import overviews, subject_counts
from deepmed.features.drawings.catalogue import repository
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models.sufficiency import RECOMMENDED
from deepmed.features.drawings.schemas.subjects import (
    AgeCount,
    AllSubjectsStatistics,
    AnswerCounts,
    SubjectAnswerCounts,
    SubjectCategory,
    SubjectColumns,
    SubjectCoverage,
    SubjectOverAges,
    SubjectsByAge,
    SubjectShare,
    SubjectsResponse,
    SubjectStatistics,
    SubjectTotals,
    SubjectYear,
)
from deepmed.features.drawings.subjects import SUBJECT_SLOTS, canonical_subject
from deepmed.features.drawings.subjects import SubjectCategory as Subject
from deepmed.kit.errors import NotFoundError

NOT_COMPARABLE = "Scores of different models are not on one scale, so there is no mean of them."
NO_ATTRIBUTION = "A rank among typical drawings names no cause, so there is nothing to count."


UNSPECIFIED = Subject.UNSPECIFIED.value


def subjects(desk: Desk) -> SubjectsResponse:
    with desk.bench.database.read() as session:
        used = _used(session, desk.bench.owner_id)
    visual = desk.bench.encoding.identity.dimension
    total = sum(used.values())
    named = total - used[UNSPECIFIED]
    categories = [
        SubjectCategory(
            category=each.value,
            display_name=each.value.capitalize() if each.value.islower() else each.value,
            usage_count=used[each.value],
            is_default=each is Subject.UNSPECIFIED,
        )
        for each in Subject
    ]
    return SubjectsResponse(
        supported_categories=sorted(
            categories, key=lambda each: (-each.usage_count, each.category)
        ),
        total_categories=len(Subject),
        statistics=SubjectCoverage(
            total_drawings=total,
            drawings_with_subject=named,
            drawings_without_subject=total - named,
            subject_coverage_percentage=100 * named / total if total else None,
        ),
        subject_aware_analysis=SubjectColumns(
            enabled=True,
            default_category=UNSPECIFIED,
            hybrid_embedding_dimensions=visual + SUBJECT_SLOTS,
            visual_component_dimensions=visual,
            subject_component_dimensions=SUBJECT_SLOTS,
        ),
    )


def statistics(desk: Desk, subject: str | None) -> SubjectStatistics | AllSubjectsStatistics:
    with desk.bench.database.read() as session:
        if subject is None:
            return _across(desk, session)
        return _of(desk, session, canonical_subject(subject))


def by_age(desk: Desk) -> SubjectsByAge:
    with desk.bench.database.read() as session:
        years = subject_counts.by_year(session, desk.bench.owner_id)
        counted = overviews.by_subject(session, desk.bench.owner_id)
    return SubjectsByAge(
        statistics=[
            SubjectOverAges(
                subject=subject,
                total_drawings=years[subject].total(),
                age_groups=[
                    SubjectYear(
                        age_group=f"{year}-{year + 1}",
                        count=number,
                        sufficient_data=number >= RECOMMENDED,
                    )
                    for year, number in sorted(years[subject].items())
                ],
                anomaly_rate=_counts(counted.get(subject)).anomaly_rate,
            )
            for subject in sorted(years, key=lambda each: (-years[each].total(), each))
        ]
    )


def _of(desk: Desk, session: Session, subject: str) -> SubjectStatistics:
    owner = desk.bench.owner_id
    ages = Counter(repository.ages_of_subject(session, owner, subject))
    if subject == UNSPECIFIED:
        ages.update(repository.ages_of_subject(session, owner, None))
    if not ages:
        raise NotFoundError(f"There are no drawings of {subject}.")
    bins: Counter[int] = Counter()
    for age, number in ages.items():
        bins[int(age)] += number
    return SubjectStatistics(
        subject=subject,
        total_drawings=sum(ages.values()),
        age_distribution=[
            AgeCount(age_group=f"{age}-{age + 1}", count=bins[age]) for age in sorted(bins)
        ],
        analysis_statistics=_counts(overviews.by_subject(session, owner).get(subject)),
        attribution_breakdown=[],
        attribution_reason=NO_ATTRIBUTION,
    )


def _across(desk: Desk, session: Session) -> AllSubjectsStatistics:
    owner = desk.bench.owner_id
    used = _used(session, owner)
    counted = overviews.by_subject(session, owner)
    total = sum(used.values())
    return AllSubjectsStatistics(
        overview=SubjectTotals(
            total_subjects_with_data=len(used),
            total_drawings=total,
            total_analyses=sum(each["analysed"] for each in counted.values()),
        ),
        subject_distribution=[
            SubjectShare(subject=subject, drawing_count=number, percentage=100 * number / total)
            for subject, number in sorted(used.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        cross_subject_analysis=[
            SubjectAnswerCounts(subject=subject, **_counts(counts).model_dump())
            for subject, counts in sorted(counted.items())
        ],
        overall_attribution_breakdown=[],
        attribution_reason=NO_ATTRIBUTION,
    )


def _used(session: Session, owner: int) -> Counter[str]:
    """How many drawings there are of each subject; without one they count as unspecified."""
    used: Counter[str] = Counter()
    for subject, number in repository.subjects(session, owner).items():
        used[subject or UNSPECIFIED] += number
    return used


def _counts(counted: dict[str, int] | None) -> AnswerCounts:
    analysed, flagged = (counted["analysed"], counted["flagged"]) if counted else (0, 0)
    return AnswerCounts(
        total_analyses=analysed,
        anomaly_count=flagged,
        normal_count=analysed - flagged,
        anomaly_rate=100 * flagged / analysed if analysed else None,
        average_reason=NOT_COMPARABLE,
    )
