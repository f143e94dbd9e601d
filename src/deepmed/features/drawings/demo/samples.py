"""Samples of the demo: drawings that were loaded and analysed here, no stored examples (D-29)."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.demo import repository
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.explanation.texts import chip, place_of_100
from deepmed.features.drawings.schemas.demo import (
    DemoSample,
    DemoStatistics,
    SampleDetails,
    SampleExplanation,
    SampleMetadata,
    SampleRegion,
    SampleResult,
)
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing, InterpretabilityResult

MOST = 200
NONE_YET = (
    "No drawing has been analysed yet. `deepmed demo` fills a data folder of its own with samples; "
    "or upload drawings and train models."
)
NOT_TIMED = (
    "How long an answer took is not kept with it; GET /api/v1/metrics/performance has times."
)
NO_SUCH_THRESHOLD = "No decision rests on a threshold of confidence."
NOT_RATED = "Nobody rated it."
NOT_WRITTEN = "Not written for a list: ask for this sample alone."
NO_SHARE = "There are no samples."
NO_CONFIDENCE = (
    "No sample has a confidence: too few children to compare with, or a threshold by hand."
)


def samples(session: Session, owner_id: int) -> list[DemoSample]:
    """The newest analysed drawings; with regions where their explanation is stored."""
    found = repository.answered(session, owner_id, MOST)
    stored = repository.explained(session, [row.id for row, _ in found], DEFAULT_METHOD)
    return [sample(row, drawing, stored.get(row.id)) for row, drawing in found]


def sample(
    row: AnomalyAnalysis,
    drawing: Drawing,
    explained: InterpretabilityResult | None,
    text: str | None = None,
    no_text: str = NOT_WRITTEN,
) -> DemoSample:
    """One drawing with its newest answer.

    Args:
        row: the answer; it has a rank.
        drawing: what it is the answer for.
        explained: its stored explanation.
        text: the explanation in words.
        no_text: why there is no text, where there is none.
    """
    reasons = {
        "processing_time": NOT_TIMED,
        "confidence_threshold": NO_SUCH_THRESHOLD,
        **dict.fromkeys(("content_rating", "educational_value"), NOT_RATED),
    }
    if text is None:
        reasons["explanation"] = no_text
    if row.confidence is None:
        reasons["confidence"] = _confidence_reason(row)
    subject = f", {drawing.subject}" if drawing.subject else ""
    return DemoSample(
        id=drawing.id,
        title=f"Drawing {drawing.id}, {drawing.age_years:.4g} years{subject}",
        description=_description(row),
        age_group=row.results["age_group"],
        original_image=f"/api/v1/drawings/{drawing.id}/file",
        saliency_map=f"/api/v1/analysis/{row.id}/saliency.png",
        composite_image=f"/api/v1/analysis/{row.id}/overlay.png",
        analysis_result=_result(row),
        interpretability=_explanation(explained, text),
        metadata=SampleMetadata(created_at=row.analysis_timestamp),
        reasons=reasons,
    )


def statistics(found: Sequence[DemoSample]) -> DemoStatistics:
    """Counts over these samples; every share says over how many."""
    total = len(found)
    flagged = sum(one.analysis_result.is_anomaly for one in found)
    confidences = [
        one.analysis_result.confidence
        for one in found
        if one.analysis_result.confidence is not None
    ]
    explained = sum(
        one.interpretability.technical_details.saliency_method is not None for one in found
    )
    reasons: dict[str, str] = {}
    if not total:
        reasons |= dict.fromkeys(("anomaly_rate", "interpretability_coverage"), NO_SHARE)
    if not confidences:
        reasons["average_confidence"] = NO_CONFIDENCE if total else NO_SHARE
    return DemoStatistics(
        total_samples=total,
        normal_samples=total - flagged,
        anomaly_samples=flagged,
        anomaly_rate=flagged / total if total else None,
        age_group_distribution=dict(sorted(Counter(one.age_group for one in found).items())),
        average_confidence=fmean(confidences) if confidences else None,
        interpretability_coverage=f"{100 * explained / total:.0f}%" if total else None,
        reasons=reasons,
    )


def _result(row: AnomalyAnalysis) -> SampleResult:
    ages, detector = row.results["age_group"], row.results.get("model_type")
    return SampleResult(
        anomaly_score=row.anomaly_score,
        is_anomaly=row.is_anomaly,
        confidence=row.confidence,
        model_version=None if row.age_group_model_id is None else f"model {row.age_group_model_id}",
        age_group_model=f"{detector} of {ages}" if detector else ages,
    )


def _explanation(explained: InterpretabilityResult | None, text: str | None) -> SampleExplanation:
    regions = [] if explained is None else explained.importance_regions
    return SampleExplanation(
        explanation=text,
        key_regions=[_region(each) for each in regions],
        technical_details=SampleDetails(
            saliency_method=None if explained is None else explained.method,
            attention_regions=None if explained is None else len(regions),
        ),
    )


def _region(found: dict[str, Any]) -> SampleRegion:
    return SampleRegion(
        region=found["region_id"],
        importance=found["importance_score"],
        description=found["spatial_location"],
    )


def _description(row: AnomalyAnalysis) -> str:
    said = chip(row.decision, is_anomaly=row.is_anomaly, normalized_score=row.normalized_score)
    place = place_of_100(row.normalized_score or 0.0)
    return f"{said}: more unusual than about {place} typical drawings of its group"


def _confidence_reason(row: AnomalyAnalysis) -> str:
    ranking = row.results.get("ranking") or {}
    return ranking.get("confidence_reason") or row.reason or NO_CONFIDENCE
