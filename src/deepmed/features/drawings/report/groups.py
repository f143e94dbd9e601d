"""The section of an age group: numbers with their meaning, and charts with their data."""

from collections.abc import Sequence
from typing import Any

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.models.sufficiency import RECOMMENDED
from deepmed.features.drawings.report.charts import Chart, histogram, intervals, steps
from deepmed.features.drawings.report.content import GroupSection, Table
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.learning.evaluation import false_alarm_spread
from deepmed.learning.reference.evaluation import measured

KIND_WORDS = {
    "parts_shuffled": "parts shuffled",
    "part_mirrored": "a part mirrored",
    "part_turned": "a part turned",
    "jitter_1": "strokes jittered, weak",
    "jitter_2": "strokes jittered, medium",
    "jitter_3": "strokes jittered, strong",
    "other_group": "another group's drawing",
    "scribble": "scribble over the page",
    "filled_page": "page nearly filled",
    "tiny_mark": "tiny mark",
    "all": "all planted together",
}


def section(
    item: ActiveModel, metrics: dict[str, Any], rule: Rule, rows: Sequence[AnomalyAnalysis]
) -> GroupSection:
    """Everything the report says of one group.

    Args:
        item: the active model.
        metrics: its training report.
        rule: the flagging rule in force.
        rows: the newest analyses under this model.
    """
    return GroupSection(
        title=item.ages.words,
        summary=_summary(item, metrics),
        facts=_facts(item, metrics, rule, rows),
        charts=_charts(item, metrics, rule, rows),
        notes=_notes(item, metrics),
    )


def _summary(item: ActiveModel, metrics: dict[str, Any]) -> list[str]:
    children = metrics["children"]
    lent = f", helped by {children['borrowed']} of other groups" if children["borrowed"] else ""
    return [
        f"Fitted on the drawings of {children['fit']} children{lent}, and calibrated on "
        f"{children['calibration']} other children whom it never saw. "
        f"Detector: {item.row.model_type.replace('_', ' ')}. {metrics['selection']['reason']}"
    ]


def _facts(
    item: ActiveModel, metrics: dict[str, Any], rule: Rule, rows: Sequence[AnomalyAnalysis]
) -> Table:
    calibration = item.model.model.calibration
    percentile = rule.percentile or metrics["percentile"]
    spread = measured(lambda: false_alarm_spread(calibration.n_children, percentile=percentile))
    new = [row for row in rows if row.role == "new" and row.normalized_score is not None]
    attained = calibration.attained_level(percentile)
    return Table(
        ["What", "Figure", "Meaning"],
        [
            [
                "Typical drawings flagged, by construction",
                None if attained is None else f"{attained:.1%}",
                f"attained level at the percentile {percentile:g}",
            ],
            [
                "Where the rate of this one calibration may lie",
                _interval(spread, percent=True),
                f"95 % range that {calibration.n_children} calibration children imply",
            ],
            [
                "Threshold of the score",
                calibration.threshold(percentile),
                "scores above are flagged",
            ],
            [
                "Drawings of new children flagged",
                f"{sum(row.is_anomaly for row in new)} of {len(new)}" if new else None,
                "children who took no part in training",
            ],
            [
                "Planted anomalies flagged",
                _interval(metrics["planted"], percent=True),
                "made from calibration drawings, each child ranked against the others",
            ],
            [
                "AUROC on all planted anomalies",
                _interval(metrics["power"].get("all")),
                "0.5 is chance; child bootstrap",
            ],
            [
                "Tells neighbouring ages apart",
                _interval(metrics["age_specificity"]),
                "AUROC of the neighbouring groups' drawings against the group's own; 0.5 is chance",
            ],
        ],
    )


def _charts(
    item: ActiveModel, metrics: dict[str, Any], rule: Rule, rows: Sequence[AnomalyAnalysis]
) -> list[Chart]:
    calibration = item.model.model.calibration
    threshold = (
        rule.threshold if rule.percentile is None else calibration.threshold(rule.percentile)
    )
    marks = [("threshold", threshold)] if threshold is not None else []
    charts = []
    if len(calibration):
        scores = calibration.scores.tolist()
        charts.append(histogram("Scores of the calibration children", scores, marks, label="score"))
    charts += _validity(rows)
    power = [
        (KIND_WORDS.get(kind, kind), *_bounds(figure)) for kind, figure in metrics["power"].items()
    ]
    if power:
        charts.append(intervals("What it finds: planted anomalies", power, label="AUROC"))
    reference = [
        (row["name"].replace("_", " "), *_bounds(row["overall"]["interval"]))
        for row in metrics["selection"]["rows"]
    ]
    if reference:
        charts.append(
            intervals(
                "Beside simple rows, five folds inside the fitting part", reference, label="AUROC"
            )
        )
    return charts


def _validity(rows: Sequence[AnomalyAnalysis]) -> list[Chart]:
    new = [row.p_value for row in rows if row.role == "new" and row.p_value is not None]
    if len(new) < 5:
        return []
    title = f"Are the ranks right? {len(new)} drawings of new children"
    return [steps(title, new, label="p", vertical="share with p or less")]


def _notes(item: ActiveModel, metrics: dict[str, Any]) -> list[str]:
    notes = []
    if not item.row.parameters.get("tells_ages_apart"):
        notes.append(
            "This model does not tell the drawings of neighbouring ages apart, so flags are read "
            "among the drawings of this group, and ages are not compared."
        )
    if not metrics["supported"]:
        notes.append(
            f"{metrics['children']['calibration']} calibration children cannot support the "
            f"percentile {metrics['percentile']:g}: nothing is flagged. The highest that they "
            f"support is {metrics['highest_percentile']:.4g}."
            if metrics["highest_percentile"] is not None
            else "Nobody calibrates this model, so nothing is flagged."
        )
    total = metrics["drawings"]["fit"] + metrics["drawings"]["calibration"]
    if total < RECOMMENDED:
        notes.append(f"{total} drawings: {RECOMMENDED} or more make the flags steadier.")
    notes += [f"{left['count']} left out: {left['meaning']}." for left in metrics["left_out"]]
    notes += _contamination(metrics)
    if item.row.needs_retraining:
        notes.append("A child whose drawings were used here was deleted. Train again.")
    return notes


def _contamination(metrics: dict[str, Any]) -> list[str]:
    parts = [
        f"{row['rate']:.0%} hidden: {row['flagged']['estimate']:.0%} "
        f"(without: {row['flagged_without_contamination']['estimate']:.0%})"
        for row in metrics["contamination"]
        if row["flagged"]["estimate"] is not None
        and row["flagged_without_contamination"]["estimate"] is not None
    ]
    if not parts:
        return []
    return [
        "Planted anomalies flagged if some training drawings were such: " + "; ".join(parts) + "."
    ]


def _bounds(
    figure: dict[str, Any] | None,
) -> tuple[float | None, float | None, float | None]:
    if figure is None:
        return None, None, None
    return figure["estimate"], figure["low"], figure["high"]


def _interval(figure: dict[str, Any] | None, *, percent: bool = False) -> str | None:
    if figure is None:
        return None
    if figure["estimate"] is None:
        return f"not measured: {figure['reason']}"
    shape = "{:.1%}" if percent else "{:.2f}"
    estimate, low, high = (shape.format(figure[name]) for name in ("estimate", "low", "high"))
    return f"{estimate} ({low} to {high})"
