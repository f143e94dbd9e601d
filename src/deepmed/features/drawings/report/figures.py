"""The figures of an age group, each with its interval and whom it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.rates import Analysis, Marked, Use
from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.features.drawings.report.content import Figure
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.learning.evaluation import Interval, false_alarm_spread, share_interval
from deepmed.learning.evaluation.measuring import measured


class Flag(Analysis, Protocol):
    """An answer that flags or does not."""

    @property
    def id(self) -> int: ...
    @property
    def is_anomaly(self) -> bool: ...
    @property
    def p_value(self) -> float | None: ...


class Made(Marked, Protocol):
    """A drawing by somebody."""

    @property
    def child_id(self) -> int: ...


Rows = Sequence[Flag]


@dataclass(frozen=True)
class Unseen:
    """Typical drawings of new children that were put to a model and not stored."""

    flagged: int
    share: dict[str, Any]
    """The share of them that is flagged, with its interval."""
    percentile: float
    p_values: list[float]


@dataclass(frozen=True)
class GroupFacts:
    """What the section of a group is made from."""

    item: ActiveModel
    metrics: Mapping[str, Any]
    """The model's training report."""
    rule: Rule
    """The flagging rule in force."""
    uses: Mapping[Use, Rows]
    """The analyses under this model, by what their flags may be counted for."""
    drawings: Mapping[int, Made]
    unseen: Unseen | None = None


def flagged_level(item: ActiveModel, rule: Rule) -> float | None:
    """The share of typical drawings that the rule in force flags; null where it can flag none."""
    calibration = item.model.model.calibration
    if rule.percentile is not None:
        return calibration.attained_level(rule.percentile)
    return None if rule.threshold is None else calibration.p_just_above(rule.threshold)


def why_bound(item: ActiveModel, rule: Rule) -> str | None:
    """Why the level is an upper bound; null where it is exact, or an estimate anyway."""
    return None if rule.percentile is None else why_only_a_bound(item.model.model.calibration)


def threshold(item: ActiveModel, rule: Rule) -> float | None:
    """The score above which a new child's drawing is flagged."""
    if rule.percentile is None:
        return rule.threshold
    return item.model.model.calibration.threshold(rule.percentile)


def figures(facts: GroupFacts) -> list[Figure]:
    """All of them, in the order in which they should be read."""
    return [
        *_promised(facts.item, facts.rule),
        Figure(
            "Typical drawings of new children flagged",
            _share(facts, facts.uses[Use.NEW], "typical drawings of new children") or "none here",
            "children who took no part in training; labelled drawings are not among them",
        ),
        *_unseen(facts.unseen),
        *_labelled(facts),
        *_measured_in_training(facts.metrics),
    ]


def figure_in_words(figure: Mapping[str, Any] | None, *, percent: bool = False) -> str | None:
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


def _promised(item: ActiveModel, rule: Rule) -> Iterator[Figure]:
    level, bound = flagged_level(item, rule), why_bound(item, rule)
    meaning = "an estimate, because the threshold was set by hand"
    if rule.percentile is not None:
        meaning = f"the level attained at the percentile {rule.percentile:g}"
    yield Figure(
        "Typical drawings flagged, by construction",
        None if level is None else f"{'at most ' if bound else ''}{level:.1%}",
        f"{meaning}; an upper bound, because {bound}" if bound else meaning,
    )
    yield Figure(
        "Where the rate of this one calibration may lie",
        f"not known: {bound}, so it may be far lower"
        if bound
        else figure_in_words(_spread(item, rule), percent=True),
        "what so many calibration children imply, where each made one drawing",
    )
    yield Figure(
        "Threshold of the score", threshold(item, rule), "drawings that score above are flagged"
    )


def _spread(item: ActiveModel, rule: Rule) -> dict[str, Any] | None:
    percentile = rule.percentile
    if percentile is None:
        return None
    n = item.model.model.calibration.n_children
    return measured(lambda: false_alarm_spread(n, percentile=percentile))


def _unseen(unseen: Unseen | None) -> Iterator[Figure]:
    if unseen is not None:
        of = len(unseen.p_values)
        yield Figure(
            "Further typical drawings flagged",
            f"{unseen.flagged} of {of} drawings: {figure_in_words(unseen.share, percent=True)}",
            "drawings by other children, made apart for this figure and not stored; at the "
            f"percentile {unseen.percentile:g}",
        )


def _labelled(facts: GroupFacts) -> Iterator[Figure]:
    """What people labelled other than normal: how much of it is found."""
    rows = facts.uses[Use.LABELLED]
    labels = {row.id: facts.drawings[row.drawing_id].expert_label or "" for row in rows}
    for label in sorted(set(labels.values())):
        mine = [row for row in rows if labels[row.id] == label]
        yield Figure(
            f"Drawings labelled {label} flagged",
            _share(facts, mine, f"drawings labelled {label}"),
            "how much is found; labelled drawings train nothing, and make no rate of false alarms",
        )


def training_percentile(metrics: Mapping[str, Any]) -> float:
    """The percentile at which planted anomalies were counted; the rule in force may differ."""
    return float(metrics["planted"].get("percentile", metrics["percentile"]))


def _measured_in_training(metrics: Mapping[str, Any]) -> Iterator[Figure]:
    level = metrics["planted"].get("attained_level")
    beside = "" if level is None else f", where these rankings flag {level:.1%} of typical drawings"
    yield Figure(
        "Planted anomalies flagged",
        figure_in_words(metrics["planted"], percent=True),
        "made from calibration drawings, each child ranked against the others; at the training's "
        f"percentile {training_percentile(metrics):g}{beside}",
    )
    yield Figure(
        "AUROC on all planted anomalies",
        figure_in_words(metrics["power"].get("all")),
        "against the calibration drawings; 0.5 is chance",
    )
    yield Figure(
        "Tells neighbouring ages apart",
        figure_in_words(metrics["age_specificity"]),
        "AUROC of the neighbouring groups' drawings against the group's own; 0.5 is chance",
    )


def _share(facts: GroupFacts, rows: Rows, split: str) -> str | None:
    """`2 of 11 drawings: 18.2% (95% interval …)`; each child weighs one."""
    if not rows:
        return None

    def share() -> Interval:
        return share_interval(
            [row.is_anomaly for row in rows],
            [facts.drawings[row.drawing_id].child_id for row in rows],
            facts.item.row.parameters["seed"],
            split=split,
        )

    flagged = sum(row.is_anomaly for row in rows)
    return f"{flagged} of {len(rows)} drawings: {figure_in_words(measured(share), percent=True)}"
