"""The percentile from which drawings are flagged, with what another one would do."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.features.drawings.models.ranges import range_of
from deepmed.features.drawings.report.charts import histogram
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.thresholds.manager import GREATEST_PERCENTILE, LEAST_PERCENTILE
from deepmed.learning.calibration import CalibrationSet
from deepmed.web.charts import Chart

DEFAULT = 95.0


@dataclass(frozen=True)
class Effect:
    """What a percentile would do to one model."""

    model_id: int
    ages: str
    now: dict[str, Any]
    then: dict[str, Any]
    then_words: str
    chart: Chart | None

    @property
    def by_hand(self) -> bool:
        """Its threshold was set by hand; a percentile for all would take its place."""
        return self.now["percentile"] is None


def content(desk: Desk, percentile: float | None = None) -> dict[str, Any]:
    """The page; without a percentile that in force is the one looked at."""
    with desk.home.database.read() as session:
        current = desk.thresholds.get_current_percentile(session)
        rows = {row.id: row for row in desk.models.rows(session)}
        history = desk.thresholds.history(session)
        shown = percentile or current or DEFAULT
        effects = _effects(desk, session, shown)
    return {
        "current": current,
        "percentile": shown,
        "least": LEAST_PERCENTILE,
        "greatest": GREATEST_PERCENTILE,
        "effects": effects,
        "history": [
            each
            | {"ages": range_of(rows[each["model_id"]]).words if each["model_id"] in rows else None}
            for each in reversed(history)
        ],
    }


def preview(desk: Desk, percentile: float) -> dict[str, Any]:
    """The effects alone; nothing is changed. Raises ValidationError out of range."""
    with desk.home.database.read() as session:
        effects = _effects(desk, session, percentile)
    return {"effects": effects, "percentile": percentile}


def _effects(desk: Desk, session: Session, percentile: float) -> list[Effect]:
    rows = {row.id: row for row in desk.models.active(session)}
    return [
        _effect(desk, session, rows[found["model_id"]], found, percentile)
        for found in desk.thresholds.preview(session, percentile)
    ]


def _effect(
    desk: Desk, session: Session, row: AgeGroupModel, found: dict[str, Any], percentile: float
) -> Effect:
    calibration = desk.models.load_model(session, row).model.calibration
    now, then = found["now"], found["then"]
    return Effect(
        row.id,
        range_of(row).words,
        now,
        then,
        _words(calibration, then, percentile),
        _chart(range_of(row).words, calibration, now, then),
    )


def _words(calibration: CalibrationSet, then: dict[str, Any], percentile: float) -> str:
    children = calibration.n_children
    if not then["supported"]:
        highest = then["highest_percentile"]
        most = "none" if highest is None else f"{highest:.4g} at most"
        return (
            f"Not supported: {children} children to compare with cannot tell the {percentile:g}th "
            f"percentile apart ({most}), so this model would flag nothing."
        )
    bound = why_only_a_bound(calibration)
    about = "At most about" if bound else "About"
    return (
        f"{about} {100 * then['attained_level']:.1f} of 100 typical drawings would be flagged, by "
        f"{children} children to compare with."
    )


def _chart(
    ages: str, calibration: CalibrationSet, now: dict[str, Any], then: dict[str, Any]
) -> Chart | None:
    if not len(calibration):
        return None
    marks = [
        (name, rule["threshold"])
        for name, rule in (("now", now), ("then", then))
        if rule["threshold"] is not None
    ]
    if len(marks) == 2 and marks[0][1] == marks[1][1]:
        marks = [("now, and not moved", marks[0][1])]
    title = f"Scores of the children to compare with, {ages}"
    return histogram(title, calibration.scores.tolist(), marks, label="score")
