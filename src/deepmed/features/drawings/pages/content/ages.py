"""What the models of other ages say of a drawing, and how a child's drawings stand (D-27)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.analysis.parts import NO_AGE_PART
from deepmed.features.drawings.catalogue import repository as catalogue
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.pages.age_charts import AgeStep, Drawn, by_age
from deepmed.features.drawings.pages.age_charts import what_if as what_if_chart
from deepmed.features.drawings.pages.content.tiles import chip_of, look_of, tile
from deepmed.features.drawings.tables import AnomalyAnalysis, Child, Drawing
from deepmed.kit.errors import NotFoundError
from deepmed.web.charts import Chart

NO_ANSWER = "There is no answer yet, so there is nothing to compare across ages."
NO_PLACES = "None of these drawings has a rank yet, so there is nothing to draw."
FEW = 2
"""Drawings with a rank that a chart over age needs."""


@dataclass(frozen=True)
class Ages:
    """A chart across ages, or the statement that stands in its place."""

    statement: str | None
    chart: Chart | None = None


def what_if(desk: Desk, drawing: Drawing, row: AnomalyAnalysis | None) -> Ages:
    """The p under each age group's model in which the child took no part in the fitting."""
    part = row.results.get("age_part") if row else None
    if row is None or part is None:
        return Ages(NO_ANSWER if row is None or row.reason is None else row.reason)
    if part["statement"] or not part["groups"]:
        return Ages(part["statement"] or NO_ANSWER)
    with desk.home.database.read() as session:
        known = {range_of(each).label: range_of(each) for each in desk.models.active(session)}
    steps = [_step(found, known) for found in part["groups"]]
    return Ages(None, what_if_chart(steps, drawing.age_years))


def child(desk: Desk, child_id: int) -> dict[str, Any]:
    """All drawings of a child, and where each stands among those of its age.

    Raises:
        NotFoundError: there is no such child.
    """
    with desk.home.database.read() as session:
        drawings = catalogue.drawings_of(session, desk.home.owner_id, child_id)
        if not drawings:
            raise NotFoundError(f"There is no child {child_id}, or none of its drawings is here.")
        newest = repository.newest(session, desk.home.owner_id, [each.id for each in drawings])
        apart = all(each.parameters.get("tells_ages_apart") for each in desk.models.active(session))
    ordered = sorted(drawings, key=lambda each: (each.age_years, each.id))
    answers = [(each, newest.get(each.id)) for each in ordered]
    return {
        "name": _name(ordered[0].child),
        "code": ordered[0].child.code,
        "answers": [
            (tile(each, row), each, row, look_of(row) if row else "none") for each, row in answers
        ],
        "ages": _over_age(answers, apart=apart),
    }


def _over_age(answers: Sequence[tuple[Drawing, AnomalyAnalysis | None]], *, apart: bool) -> Ages:
    rows = [row for _, row in answers if row is not None and row.normalized_score is not None]
    parts = [row.results.get("age_part") or {} for row in rows]
    # An answer keeps the word of the models that gave it, which may not be those in use.
    if rows and (not apart or any(part.get("statement") for part in parts)):
        return Ages(NO_AGE_PART)
    if not rows:
        return Ages(NO_PLACES)
    if len(rows) < FEW:
        return Ages("A chart over age needs at least two drawings with a rank; here is one.")
    rules = {(row.results.get("ranking") or {}).get("percentile") for row in rows}
    drawn = [
        Drawn(
            each.id,
            each.age_years,
            row.normalized_score if row else None,
            chip_of(row) if row else "not analysed",
            flagged=bool(row and row.is_anomaly),
        )
        for each, row in answers
    ]
    return Ages(None, by_age(drawn, rules.pop() if len(rules) == 1 else None))


def _step(found: dict[str, Any], known: dict[str, AgeRange]) -> AgeStep:
    label = found["age_group"]
    low, _, high = label.partition("-")
    words = known[label].words if label in known else f"{label} years"
    return AgeStep(
        words, float(low), float(high), found["p_value"], found["children"], found["reason"]
    )


def _name(found: Child) -> str:
    return f"Child {found.code}" if found.code else "A child without a name or number"
