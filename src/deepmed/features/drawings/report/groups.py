"""The section of an age group: numbers with their meaning, and charts with their data."""

from collections.abc import Iterator, Mapping
from typing import Any

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.models.kinds import words_of
from deepmed.features.drawings.models.layout_words import layouts_in_words
from deepmed.features.drawings.models.sufficiency import RECOMMENDED
from deepmed.features.drawings.report.charts import Figure as Bar
from deepmed.features.drawings.report.charts import histogram, intervals
from deepmed.features.drawings.report.content import GroupSection
from deepmed.features.drawings.report.figures import (
    GroupFacts,
    figure_in_words,
    figures,
    threshold,
    training_percentile,
)
from deepmed.features.drawings.report.ranks import validity
from deepmed.features.drawings.report.words import AGES_UNKNOWN, NO_AGES
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.features.drawings.words import LAYOUT_WORDS, name_in_words
from deepmed.web.charts import Chart, Table


def section(facts: GroupFacts) -> GroupSection:
    """Everything the report says of one group."""
    return GroupSection(
        title=words_of(facts.item.row),
        summary=summary(facts.item, facts.metrics),
        figures=figures(facts),
        notes=_notes(facts),
        charts=[*_scores(facts), *validity(facts), *_power(facts.metrics)],
        data=_contamination(facts.metrics),
    )


def summary(item: ActiveModel, metrics: Mapping[str, Any]) -> list[str]:
    children = metrics["children"]
    lent = f", helped by {children['borrowed']} of other groups" if children["borrowed"] else ""
    return [
        f"Learned from the drawings of {children['fit']} children{lent}. New drawings are compared "
        f"with {item.model.model.calibration.n_children} other children whom it never saw.",
        f"Detector: {name_in_words(item.row.model_type)}. {metrics['selection']['reason']}",
        layouts_in_words(metrics["layouts"]),
    ]


def _scores(facts: GroupFacts) -> Iterator[Chart]:
    calibration = facts.item.model.model.calibration
    at = threshold(facts.item, facts.rule)
    marks = [] if at is None else [("threshold", at)]
    if len(calibration):
        scores = calibration.scores.tolist()
        yield histogram("Scores of the calibration children", scores, marks, label="score")


def _power(metrics: Mapping[str, Any]) -> Iterator[Chart]:
    power = [bar(name_in_words(kind), figure) for kind, figure in metrics["power"].items()]
    if power:
        yield intervals("What it finds: planted anomalies", power, label="AUROC")
    reference = [
        bar(name_in_words(row["name"]), row["overall"]["interval"])
        for row in metrics["selection"]["rows"]
    ]
    if reference:
        yield intervals("Beside simpler ways, in the fitting part", reference, label="AUROC")
    layouts = [bar(LAYOUT_WORDS[row["layout"]], row["auroc"]) for row in metrics["layouts"] or ()]
    if layouts:
        yield intervals("With and without the subject, in the fitting part", layouts, label="AUROC")


def _notes(facts: GroupFacts) -> list[str]:
    item, metrics, notes = facts.item, facts.metrics, []
    tells_apart = item.row.parameters.get("tells_ages_apart")
    if not tells_apart:
        notes.append(AGES_UNKNOWN if tells_apart is None else NO_AGES)
    notes += support(item, facts.rule)
    if facts.rule.percentile != training_percentile(metrics):
        notes.append(
            f"Planted anomalies were measured in training, at percentile "
            f"{training_percentile(metrics):g}. Another rule is in force now, and would flag "
            "another share of them."
        )
    total = metrics["drawings"]["fit"] + metrics["drawings"]["calibration"]
    if total < RECOMMENDED:
        notes.append(f"{total} drawings: {RECOMMENDED} or more make the flags steadier.")
    notes += [f"{left['count']} left out: {left['meaning']}." for left in metrics["left_out"]]
    if item.row.needs_retraining:
        notes.append("Drawings that were used here were changed or deleted. Train again.")
    return notes


def support(item: ActiveModel, rule: Rule) -> list[str]:
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


def _contamination(metrics: Mapping[str, Any]) -> list[tuple[str, Table]]:
    rows: list[list[object]] = [
        [
            f"{row['rate']:.0%}",
            f"{row['replaced_drawings']} ({row['attained_rate']:.1%})",
            figure_in_words(row["flagged"], percent=True),
            figure_in_words(row["flagged_without_contamination"], percent=True),
        ]
        for row in metrics["contamination"]
    ]
    if not rows:
        return []
    columns = [
        "Hidden anomalies asked for",
        "Drawings replaced",
        "Planted ones flagged",
        "Without",
    ]
    title = (
        "What hidden anomalies among the training drawings would do, at the training's "
        f"percentile {training_percentile(metrics):g}"
    )
    return [(title, Table(columns, rows))]


def bar(name: str, figure: Mapping[str, Any] | None) -> Bar:
    if figure is None or figure["estimate"] is None:
        return name, None, None, None, None
    return name, figure["estimate"], figure["low"], figure["high"], figure["sample_size"]
