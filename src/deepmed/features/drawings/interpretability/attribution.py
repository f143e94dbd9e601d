"""What the parts of an answer say, where they say anything (D-16); no cause is made up (D-29)."""

from typing import Any

from deepmed.features.drawings.interpretability.confidence import notes
from deepmed.features.drawings.interpretability.loading import Known
from deepmed.features.drawings.interpretability.wording import why_no_confidence
from deepmed.features.drawings.schemas.analysis import (
    NO_ATTRIBUTION,
    NO_VISUAL_SCORE,
)
from deepmed.features.drawings.schemas.interpretability import (
    AgeComparison,
    AgeRow,
    AttributionConfidence,
    AttributionResponse,
    Component,
    ComponentBreakdown,
    as_reasons,
)
from deepmed.features.drawings.subjects import SubjectCategory

NO_SUBJECT_SCORE = (
    "Subjects are compared by rank, not by score: see component_breakdown.subject_component."
)
NO_SHARES = "The score is no sum of parts, so nothing of it is the share of one of them."
NO_ATTRIBUTION_CONFIDENCE = "There is no attribution of which it could be said how sure it is."
NO_ANSWER = "There is no answer, so there are no parts of it."


def attribution(known: Known) -> AttributionResponse:
    row = known.analysis
    return AttributionResponse(
        analysis_id=row.id,
        overall_anomaly_score=row.anomaly_score,
        subject_category=known.drawing.subject or SubjectCategory.UNSPECIFIED.value,
        age_group=row.results.get("age_group", "unknown"),
        attribution_explanation=_explanation(known),
        component_breakdown=ComponentBreakdown(
            visual_component=_visual(known), subject_component=_subject(known)
        ),
        age_comparison=_ages(known),
        confidence_metrics=AttributionConfidence(
            overall_confidence=row.confidence, reliability_notes=notes(known)
        ),
        reasons=as_reasons(
            {
                "primary_attribution": NO_ATTRIBUTION,
                "visual_anomaly_score": NO_VISUAL_SCORE,
                "subject_anomaly_score": NO_SUBJECT_SCORE,
                "contribution_percentage": NO_SHARES,
                "attribution_confidence": NO_ATTRIBUTION_CONFIDENCE,
                "overall_anomaly_score": None if row.anomaly_score is not None else row.reason,
                "overall_confidence": why_no_confidence(row),
                "subject_component.p_value": _part(known, "subject_part").get("reason"),
            }
        ),
    )


def _part(known: Known, name: str) -> dict[str, Any]:
    found: dict[str, Any] = known.analysis.results.get(name) or {}
    return found


def _visual(known: Known) -> Component:
    row = known.analysis
    ranking = row.results.get("ranking") or {}
    among = row.results.get("among", "of this group")
    description = (
        f"How the whole drawing ranks among the typical drawings {among}."
        if row.p_value is not None
        else row.reason or NO_ANSWER
    )
    return Component(
        description=description, p_value=row.p_value, children=ranking.get("n_children")
    )


def _subject(known: Known) -> Component:
    part = _part(known, "subject_part")
    p_value = part.get("p_value")
    description = (
        f"How it ranks among drawings of {part['subject']} by other children of all ages."
        if p_value is not None
        else f"No rank among drawings of its subject: {part.get('reason') or NO_ANSWER}"
    )
    return Component(description=description, p_value=p_value, children=part.get("children"))


def _ages(known: Known) -> AgeComparison:
    part = _part(known, "age_part")
    if not part:
        return AgeComparison(statement=known.analysis.reason or NO_ANSWER, groups=[])
    return AgeComparison(
        statement=part["statement"], groups=[AgeRow(**each) for each in part["groups"]]
    )


def _explanation(known: Known) -> str:
    if known.analysis.p_value is None:
        return f"{NO_ANSWER} {known.analysis.reason or ''}".strip()
    subject, ages = _subject(known), _ages(known)
    said = [NO_ATTRIBUTION]
    if subject.p_value is not None:
        said.append(_ranked(f"drawings of {known.drawing.subject}", subject.p_value))
    said += [
        _ranked(f"drawings of the ages {each.age_group}", each.p_value)
        for each in ages.groups
        if each.p_value is not None
    ]
    return " ".join([*said, *([ages.statement] if ages.statement else [])])


def _ranked(among: str, p_value: float) -> str:
    return f"Among {among}, about {100 * p_value:.0f} of 100 are at least as unusual."
