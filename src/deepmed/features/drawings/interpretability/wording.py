"""Words that simplified answers, patterns and exports share."""

from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis

HIGH, MEDIUM, LOW, NOT_GIVEN = "High", "Medium", "Low", "Not given"
HIGH_FROM, MEDIUM_FROM = 0.9, 0.5
"""Bounds of `confidence`; below the lower one the tool says "undecided" (D-10)."""
NO_CONFIDENCE = "There is no decision of which it could be said how settled it is."


def confidence_level(confidence: float | None) -> str:
    """How settled a decision is, in a word."""
    if confidence is None:
        return NOT_GIVEN
    if confidence >= HIGH_FROM:
        return HIGH
    return MEDIUM if confidence >= MEDIUM_FROM else LOW


def why_no_confidence(row: AnomalyAnalysis) -> str | None:
    """The reason; None where there is one."""
    if row.confidence is not None:
        return None
    ranking = row.results.get("ranking") or {}
    return ranking.get("confidence_reason") or row.reason or NO_CONFIDENCE


def compared_with(row: AnomalyAnalysis, model: AgeGroupModel | None) -> str:
    """With whom the drawing was compared."""
    ranking = row.results.get("ranking") or {}
    children = ranking.get("n_children")
    if model is None or not children:
        return row.reason or "There is nobody to compare this drawing with."
    said = f"It was compared with drawings by {children} other children of {range_of(model).words}."
    statement = (row.results.get("age_part") or {}).get("statement")
    return f"{said} {statement}" if statement else said
