"""The section of an age group: numbers with their meaning, and charts with their data."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.models.sufficiency import RECOMMENDED
from deepmed.features.drawings.report.charts import Figure as Bar
from deepmed.features.drawings.report.charts import histogram, intervals, steps
from deepmed.features.drawings.report.content import Chart, Figure, GroupSection, Table
from deepmed.features.drawings.report.words import KIND_WORDS, NO_AGES, plain
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.learning.evaluation import Interval, false_alarm_spread, share_interval
from deepmed.learning.reference import Role
from deepmed.learning.reference.evaluation import measured

LEAST_RANKS = 5
"""Drawings of new children from which their ranks are drawn."""


def section(
    item: ActiveModel,
    metrics: dict[str, Any],
    rule: Rule,
    rows: Sequence[AnomalyAnalysis],
    children: Mapping[int, int],
) -> GroupSection:
    """Everything the report says of one group.

    Args:
        item: the active model.
        metrics: its training report.
        rule: the flagging rule in force.
        rows: the analyses under this model.
        children: the child of each drawing.
    """
    return GroupSection(
        title=item.ages.words,
        summary=_summary(item, metrics),
        figures=_figures(item, metrics, rule, _new_share(item, rows, children)),
        notes=_notes(item, metrics, rule),
        charts=_charts(item, metrics, rule, rows),
        data=_contamination(metrics),
    )


def flagged_level(item: ActiveModel, rule: Rule) -> float | None:
    """The share of typical drawings that the rule in force flags; null where it can flag none."""
    calibration = item.model.model.calibration
    if rule.percentile is not None:
        return calibration.attained_level(rule.percentile)
    return None if rule.threshold is None else calibration.p_just_above(rule.threshold)


def _summary(item: ActiveModel, metrics: dict[str, Any]) -> list[str]:
    children = metrics["children"]
    lent = f", helped by {children['borrowed']} of other groups" if children["borrowed"] else ""
    return [
        f"Learned from the drawings of {children['fit']} children{lent}. New drawings are compared "
        f"with {item.model.model.calibration.n_children} other children whom it never saw.",
        f"Detector: {plain(item.row.model_type)}. {metrics['selection']['reason']}",
    ]


def _figures(
    item: ActiveModel, metrics: dict[str, Any], rule: Rule, new: dict[str, Any] | None
) -> list[Figure]:
    level = flagged_level(item, rule)
    return [
        Figure(
            "Typical drawings flagged, by construction",
            None if level is None else f"{level:.1%}",
            f"the level attained at the percentile {rule.percentile:g}"
            if rule.percentile is not None
            else "an estimate, because the threshold was set by hand",
        ),
        Figure(
            "Where the rate of this one calibration may lie",
            _interval(_spread(item, rule), percent=True),
            "what so many calibration children imply",
        ),
        Figure(
            "Threshold of the score",
            _threshold(item, rule),
            "drawings that score above are flagged",
        ),
        Figure(
            "Drawings of new children flagged",
            _interval(new, percent=True) or "no new children",
            "children who took no part in training",
        ),
        Figure(
            "Planted anomalies flagged",
            _interval(metrics["planted"], percent=True),
            "made from calibration drawings, each child ranked against the others",
        ),
        Figure(
            "AUROC on all planted anomalies",
            _interval(metrics["power"].get("all")),
            "against the calibration drawings; 0.5 is chance",
        ),
        Figure(
            "Tells neighbouring ages apart",
            _interval(metrics["age_specificity"]),
            "AUROC of the neighbouring groups' drawings against the group's own; 0.5 is chance",
        ),
    ]


def _spread(item: ActiveModel, rule: Rule) -> dict[str, Any] | None:
    percentile = rule.percentile
    if percentile is None:
        return None
    n = item.model.model.calibration.n_children
    return measured(lambda: false_alarm_spread(n, percentile=percentile))


def _threshold(item: ActiveModel, rule: Rule) -> float | None:
    if rule.percentile is None:
        return rule.threshold
    return item.model.model.calibration.threshold(rule.percentile)


def _new_share(
    item: ActiveModel, rows: Sequence[AnomalyAnalysis], children: Mapping[int, int]
) -> dict[str, Any] | None:
    """The share of flagged drawings among new children, the only ones who can have a rate."""
    new = [row for row in rows if row.role == Role.NEW and row.normalized_score is not None]
    if not new:
        return None

    def share() -> Interval:
        return share_interval(
            [row.is_anomaly for row in new],
            [children[row.drawing_id] for row in new],
            item.row.parameters["seed"],
            split="drawings of new children",
        )

    return measured(share)


def _charts(
    item: ActiveModel, metrics: dict[str, Any], rule: Rule, rows: Sequence[AnomalyAnalysis]
) -> list[Chart]:
    calibration, threshold = item.model.model.calibration, _threshold(item, rule)
    marks = [("threshold", threshold)] if threshold is not None else []
    charts = []
    if len(calibration):
        scores = calibration.scores.tolist()
        charts.append(histogram("Scores of the calibration children", scores, marks, label="score"))
    charts += _validity(rows)
    power = [_bar(KIND_WORDS.get(kind, kind), figure) for kind, figure in metrics["power"].items()]
    if power:
        charts.append(intervals("What it finds: planted anomalies", power, label="AUROC"))
    reference = [
        _bar(plain(row["name"]), row["overall"]["interval"]) for row in metrics["selection"]["rows"]
    ]
    if reference:
        charts.append(
            intervals("Beside simpler ways, in the fitting part", reference, label="AUROC")
        )
    return charts


def _validity(rows: Sequence[AnomalyAnalysis]) -> list[Chart]:
    new = [row.p_value for row in rows if row.role == Role.NEW and row.p_value is not None]
    if len(new) < LEAST_RANKS:
        return []
    title = f"Ranks of {len(new)} drawings of new children: typical ones follow the dashed line"
    return [steps(title, new, label="p", vertical="share with p or less")]


def _notes(item: ActiveModel, metrics: dict[str, Any], rule: Rule) -> list[str]:
    notes = []
    if not item.row.parameters.get("tells_ages_apart"):
        notes.append(NO_AGES)
    notes += _support(item, rule)
    total = metrics["drawings"]["fit"] + metrics["drawings"]["calibration"]
    if total < RECOMMENDED:
        notes.append(f"{total} drawings: {RECOMMENDED} or more make the flags steadier.")
    notes += [f"{left['count']} left out: {left['meaning']}." for left in metrics["left_out"]]
    if item.row.needs_retraining:
        notes.append("Drawings that were used here were changed or deleted. Train again.")
    return notes


def _support(item: ActiveModel, rule: Rule) -> list[str]:
    calibration = item.model.model.calibration
    if rule.percentile is None or calibration.supports(rule.percentile):
        return []
    highest = calibration.highest_percentile()
    if highest is None:
        return ["Nobody calibrates this model, so nothing is flagged."]
    return [
        f"{calibration.n_children} calibration children cannot support the percentile "
        f"{rule.percentile:g}: nothing is flagged. The highest that they support is {highest:.4g}."
    ]


def _contamination(metrics: dict[str, Any]) -> list[tuple[str, Table]]:
    rows: list[list[object]] = [
        [
            f"{row['rate']:.0%}, {row['replaced_drawings']} drawings",
            _interval(row["flagged"], percent=True),
            _interval(row["flagged_without_contamination"], percent=True),
        ]
        for row in metrics["contamination"]
    ]
    if not rows:
        return []
    columns = ["Share of anomalies hidden among its drawings", "Planted ones flagged", "Without"]
    return [("What hidden anomalies among the training drawings would do", Table(columns, rows))]


def _bar(name: str, figure: dict[str, Any] | None) -> Bar:
    if figure is None or figure["estimate"] is None:
        return name, None, None, None, None
    return name, figure["estimate"], figure["low"], figure["high"], figure["sample_size"]


def _interval(figure: dict[str, Any] | None, *, percent: bool = False) -> str | None:
    """`27.5% (95% interval 23.8% to 31.7%; 24 children)`, or why there is none."""
    if figure is None:
        return None
    if figure["estimate"] is None:
        return f"not measured: {figure['reason']}"
    shape = "{:.1%}" if percent else "{:.2f}"
    estimate, low, high = (shape.format(figure[name]) for name in ("estimate", "low", "high"))
    units = {"child": "children", "drawing": "drawings"}[figure["unit"]]
    return (
        f"{estimate} ({figure['level']:.0%} interval {low} to {high}; "
        f"{figure['sample_size']} {units})"
    )
