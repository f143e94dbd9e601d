"""False alarms and power on real drawings, over many random splits by child.

In each split a quarter of a group's children is set apart; of the others some fit and some
calibrate, as in a training. The children who were set apart are new to the model: the share of
their drawings that is flagged is its false-alarm rate, and the share of anomalies planted into
their drawings is its power at the very same threshold.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.features.drawings.bench.entrants import LAYOUT
from deepmed.kit import seeds
from deepmed.learning.calibration import (
    CalibrationSet,
    attainable_rank,
    is_flagged,
    level_of,
    normalized_score,
)
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import Interval, mean_interval, share_interval
from deepmed.learning.evaluation.measuring import measured
from deepmed.learning.reference import GroupPlan, Rows, fit_reference, plan_groups
from deepmed.learning.reference.evaluation import PlantedRows

Flags = NDArray[np.bool_]

PERCENTILE = 95.0
TEST_SHARE = 0.25
ERRORS = 3.0
"""Standard errors of the mean over splits that a rate may be off."""
LEAST_SPLITS = 30
"""With fewer, the deviation over splits is itself too uncertain to judge by."""


@dataclass(frozen=True)
class Question:
    """What is put to a detector in each split.

    Attributes:
        group: name of the age group.
        typical: the group's drawings, with vectors.
        planted: anomalies planted into them; empty where only false alarms are counted.
        repeated: a child has several drawings, so the rate has an upper bound only.
    """

    group: str
    typical: Rows
    planted: PlantedRows
    repeated: bool = False


@dataclass
class _Tally:
    """What the splits came to."""

    rates: list[float] = field(default_factory=list)
    classic: list[float] = field(default_factory=list)
    attained: list[float] = field(default_factory=list)
    calibrated: int = 0
    tested: int = 0
    flagged: dict[int, list[bool]] = field(default_factory=dict)
    """Flags of each planted drawing in the splits where its child is new."""


def false_alarms(
    question: Question,
    detector: str,
    encoder: str,
    *,
    splits: int,
    seed: int,
    step: Callable[[], None],
) -> dict[str, Any]:
    """The share of new children's drawings flagged, its rule, and the power beside it.

    Args:
        question: the drawings.
        detector: name in the registry.
        encoder: identity key of the encoder that made the vectors.
        splits: random splits by child.
        seed: seed of the run.
        step: called after each split.
    """
    tally = _Tally()
    for number in range(splits):
        _split(question, detector, encoder, seeds.derive(seed, "bench split", number), tally)
        step()
    report = {
        "group": question.group,
        "detector": detector,
        "repeated": question.repeated,
        "splits": splits,
        "children": len(np.unique(question.typical.children)),
        "drawings": len(question.typical),
        "calibration_children": tally.calibrated,
        "test_children": tally.tested,
        **rate_report(tally.rates, tally.attained, tally.calibrated, repeated=question.repeated),
        "classic_rule": mean_over_splits(tally.classic),
        "items": {"rates": tally.rates},
    }
    if question.planted.kinds:
        report["power"], report["items"]["flagged"] = _power(question.planted, tally, seed)
    return report


def rate_report(
    rates: list[float], attained: list[float], n: int, *, repeated: bool
) -> dict[str, Any]:
    """Mean rate over splits and its rule.

    One drawing a child: the mean equals the attained level of n calibration children within three
    standard errors. Several: it does not exceed alpha by more than that. Few splits are not judged.
    """
    found = mean_over_splits(rates)
    mean, room = found["mean"], found["high"] - found["mean"]
    promised = attainable_rank(PERCENTILE, n) / (n + 1)
    level = level_of(PERCENTILE)
    kept = mean <= level + room if repeated else abs(mean - promised) <= room
    return {
        **found,
        "attained_level": promised,
        "attained_in_splits": float(np.mean(attained)),
        "level": level,
        "rule": "not above the level" if repeated else "equals the attained level",
        "passed": kept if len(rates) >= LEAST_SPLITS else None,
    }


def mean_over_splits(rates: list[float]) -> dict[str, Any]:
    """The mean share of flagged drawings with three standard errors on each side."""
    mean, deviation = float(np.mean(rates)), float(np.std(rates, ddof=1 if len(rates) > 1 else 0))
    room = ERRORS * deviation / math.sqrt(len(rates))
    return {
        "mean": mean,
        "deviation": deviation,
        "low": mean - room,
        "high": mean + room,
        "method": f"{ERRORS:g} standard errors of the mean over splits",
        "unit": "split",
        "sample_size": len(rates),
        "split": "children who neither fit nor calibrate",
    }


def share_flagged(flags: Flags, children: NDArray[np.int64]) -> float:
    """The share of drawings flagged, every child weighing one."""
    _, codes = np.unique(children, return_inverse=True)
    return float(np.mean(np.bincount(codes, weights=flags) / np.bincount(codes)))


def _split(question: Question, detector: str, encoder: str, seed: int, tally: _Tally) -> None:
    rows = question.typical
    children = np.unique(rows.children)
    shuffled = seeds.generator(seed, "test children").permutation(children)
    new = set(shuffled[: math.ceil(TEST_SHARE * len(children))].tolist())
    plan = plan_groups({question.group: rows.without_children(new)}, seed)[question.group]
    model = fit_reference(GroupPlan(plan.model, None), detector, encoder, LAYOUT, seed)
    calibration, test = model.model.calibration, rows.of_children(new)
    scores = model.score(test, encoder)
    tally.rates.append(share_flagged(flags_of(calibration, scores), test.children))
    # The rule that many programs use: above the 95th percentile of the fitting drawings' scores.
    tally.classic.append(share_flagged(scores > model.model.detector.offset_, test.children))
    tally.attained.append(calibration.attained_level(PERCENTILE) or 0.0)
    tally.calibrated, tally.tested = calibration.n_children, len(new)
    mine = np.flatnonzero(np.isin(question.planted.rows.children, sorted(new)))
    if len(mine):
        planted = model.score(question.planted.rows.take(mine), encoder)
        for index, flag in zip(mine.tolist(), flags_of(calibration, planted).tolist(), strict=True):
            tally.flagged.setdefault(index, []).append(flag)


def flags_of(calibration: CalibrationSet, scores: NDArray[np.float64]) -> Flags:
    """Which scores of new children are flagged; none where too few children calibrate."""
    if not calibration.supports(PERCENTILE):
        return np.zeros(len(scores), dtype=np.bool_)
    counts, n = calibration.counts(scores)
    return np.array(
        [is_flagged(normalized_score(count, n), PERCENTILE) for count in counts.tolist()],
        dtype=np.bool_,
    )


def _power(
    planted: PlantedRows, tally: _Tally, seed: int
) -> tuple[dict[str, Any], dict[str, list[tuple[int, float]]]]:
    """By kind the mean share of splits in which a planted drawing is flagged, over children."""
    figures: dict[str, Any] = {}
    items: dict[str, list[tuple[int, float]]] = {}
    for kind in dict.fromkeys(planted.kinds):
        items[kind] = [
            (int(planted.rows.children[index]), round(float(np.mean(flags)), 4))
            for index, flags in sorted(tally.flagged.items())
            if planted.kinds[index] == kind
        ]
        figures[kind] = measured(partial(_mean, items[kind], kind, seed))
    return figures, items


def _mean(items: list[tuple[int, float]], kind: str, seed: int) -> Interval:
    if not items:
        raise InsufficientDataError("No child with such a drawing was ever new.")
    children, shares = zip(*items, strict=True)
    own_seed = seeds.derive(seed, "bench power", kind)
    split = "planted into drawings of children who neither fit nor calibrate"
    if set(shares) in ({0.0}, {1.0}):
        # Resamples that all agree would claim certainty; this one answers with Wilson's interval.
        return share_interval([share > 0 for share in shares], children, own_seed, split=split)
    return mean_interval(shares, children, own_seed, split=split)


def finds_something(power: Mapping[str, Any], control: str) -> bool:
    """Whether any planted anomaly was flagged at all; a detector that flags none fails."""
    return any(
        figure["estimate"] is not None and figure["estimate"] > 0
        for kind, figure in power.items()
        if kind != control
    )
