"""Figures with their intervals once more, by another way than the figures themselves.

An AUROC is counted from midranks of both classes together (rank sum), a share and a mean child by
child. Only the stream of random numbers is the same, as the same children must be drawn.
"""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepmed.kit.seeds import generator
from deepmed.learning.evaluation.oracle import recompute_auroc, recompute_mean, recompute_wilson

Items = Sequence[tuple[Hashable, float]]
"""(child, score) of each drawing."""
Figure = dict[str, Any]

LEAST_CHILDREN = 5
RESAMPLES = 1000
LEVEL = 0.95
_NUMBERS_AT_ONCE = 2_000_000
_NUMBERS = (
    "estimate",
    "low",
    "high",
    "level",
    "sample_size",
    "n_items",
    "n_negative",
    "n_positive",
    "n_children",
    "method",
)


def recompute_auroc_figure(negative: Items, positive: Items, seed: int) -> Figure:
    """AUROC with its interval over children; all null where a class has too few children.

    Args:
        negative: (child, score) of each negative.
        positive: (child, score) of each positive.
        seed: Seed of the interval.

    Returns:
        estimate, low, high, level, sample_size, n_items, n_negative, n_positive, n_children and
        method, named as in a stored figure.

    >>> rows = [(child, float(child)) for child in range(6)]
    >>> recompute_auroc_figure(rows, rows, seed=0)["estimate"]
    0.5
    """
    if _fewest(negative, positive) < LEAST_CHILDREN:
        return dict.fromkeys(_NUMBERS)
    low, high = recompute_auroc_bounds(negative, positive, seed)
    estimate = recompute_auroc([score for _, score in negative], [score for _, score in positive])
    method = f"child bootstrap, {RESAMPLES} resamples"
    if estimate in {0.0, 1.0}:
        method += "; Wilson bound where all agree"
    return _of_classes(negative, positive, (estimate, low, high), method)


def recompute_difference_figure(
    first: tuple[Items, Items], second: tuple[Items, Items], seed: int
) -> Figure:
    """One AUROC minus another on the same drawings, with its interval over children.

    Args:
        first: (negative, positive) rows of (child, score).
        second: The same drawings in the same order, with other scores.
        seed: Seed of the interval.

    >>> rows = [(child, float(child)) for child in range(6)]
    >>> recompute_difference_figure((rows, rows), (rows, rows), seed=0)["high"]
    0.0
    """
    if _fewest(*first) < LEAST_CHILDREN:
        return dict.fromkeys(_NUMBERS)
    estimates = [
        recompute_auroc(*([score for _, score in rows] for rows in pair))
        for pair in (first, second)
    ]
    samples = [_Ranked(*pair) for pair in (first, second)]
    values = _resampled(samples, seed, RESAMPLES)
    low, high = _middle((values[0] - values[1]).tolist(), LEVEL)
    found = (estimates[0] - estimates[1], low, high)
    return _of_classes(*first, found, f"paired child bootstrap, {RESAMPLES} resamples")


def recompute_share_figure(flags: Sequence[tuple[Hashable, bool]], seed: int) -> Figure:
    """The share of flags, every child weighing one, with its interval over children.

    Args:
        flags: (child, flag) of each drawing.
        seed: Seed of the interval.

    >>> recompute_share_figure([(child, child < 5) for child in range(10)], seed=0)["estimate"]
    0.5
    """
    children = list(dict.fromkeys(child for child, _ in flags))
    n, told = len(children), {flag for _, flag in flags}
    single = n == len(flags)
    if not flags or (n < LEAST_CHILDREN and len(told) > 1 and not single):
        return dict.fromkeys(_NUMBERS)
    estimate = recompute_mean([(child, float(flag)) for child, flag in flags])
    if single or len(told) == 1:
        bounds, method = recompute_wilson(round(estimate * n), n, LEVEL), "Wilson score"
    else:
        bounds = _mean_bounds(flags, children, seed)
        method = f"child bootstrap, {RESAMPLES} resamples"
    return dict.fromkeys(_NUMBERS) | {
        "estimate": estimate,
        "low": bounds[0],
        "high": bounds[1],
        "level": LEVEL,
        "sample_size": n,
        "n_children": n,
        "n_items": len(flags),
        "method": method,
    }


def recompute_auroc_bounds(
    negative: Items,
    positive: Items,
    seed: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> tuple[float, float]:
    """The child-bootstrap bounds of AUROC, from the same random stream.

    Args:
        negative: (child, score) of each negative.
        positive: (child, score) of each positive.
        seed: Seed that was used.
        resamples: Resamples that were used.
        level: Confidence level.

    >>> rows = [(child, float(child)) for child in range(6)]
    >>> recompute_auroc_bounds(rows, rows, seed=0, resamples=10)[0] <= 0.5
    True
    """
    estimate = recompute_auroc([score for _, score in negative], [score for _, score in positive])
    if estimate in {0.0, 1.0}:
        smaller = _fewest(negative, positive)
        return recompute_wilson(int(estimate) * smaller, smaller, level)
    (values,) = _resampled([_Ranked(negative, positive)], seed, resamples)
    return _middle(values.tolist(), level)


class _Ranked:
    """Both classes in one order, cut into groups of equal scores."""

    def __init__(self, negative: Items, positive: Items) -> None:
        rows = [*negative, *positive]
        self.children = list(dict.fromkeys(child for child, _ in rows))
        number = {child: place for place, child in enumerate(self.children)}
        ordered = sorted(range(len(rows)), key=lambda index: rows[index][1])
        scores = [rows[index][1] for index in ordered]
        self.codes = np.array([number[rows[index][0]] for index in ordered])
        self.positive = np.array([index >= len(negative) for index in ordered], dtype=np.float64)
        self.starts = [
            index
            for index in range(len(scores))
            if index == 0 or scores[index] != scores[index - 1]
        ]

    def aurocs(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each resample, from how often each child was drawn; NaN without one of the classes.

        The positives' rank sum R gives (R - P (P + 1) / 2) / (P N); a group of equal scores that
        begins after b drawings and holds t of them has the midrank b + (t + 1) / 2.
        """
        weights = drawn[:, self.codes]
        total = np.add.reduceat(weights, self.starts, axis=1)
        of_positive = np.add.reduceat(weights * self.positive, self.starts, axis=1)
        midranks = np.cumsum(total, axis=1) - total + (total + 1) / 2
        many = of_positive.sum(axis=1)
        few = total.sum(axis=1) - many
        wins = (of_positive * midranks).sum(axis=1) - many * (many + 1) / 2
        with np.errstate(invalid="ignore"):
            found: NDArray[np.float64] = wins / (many * few)
        return found


def _resampled(samples: Sequence[_Ranked], seed: int, wanted: int) -> list[NDArray[np.float64]]:
    """The AUROC of each sample in each resample of the children that lacks no class."""
    n = len(samples[0].children)
    rows = max(1, min(wanted, _NUMBERS_AT_ONCE // len(samples[0].codes)))
    random = generator(seed, "child-bootstrap")
    kept = [np.zeros(0) for _ in samples]
    while len(kept[0]) < wanted:
        drawn = random.integers(0, n, (min(rows, wanted - len(kept[0])), n))
        times = np.stack([np.bincount(row, minlength=n) for row in drawn]).astype(np.float64)
        found = [sample.aurocs(times) for sample in samples]
        useful = ~np.isnan(found[0])
        kept = [np.append(old, new[useful]) for old, new in zip(kept, found, strict=True)]
    return kept


def _mean_bounds(
    flags: Sequence[tuple[Hashable, bool]], children: Sequence[Hashable], seed: int
) -> tuple[float, float]:
    own: dict[Hashable, list[bool]] = {child: [] for child in children}
    for child, flag in flags:
        own[child].append(flag)
    means = np.array([sum(some) / len(some) for some in own.values()])
    random = generator(seed, "child-bootstrap")
    values = [
        math.fsum(means[random.integers(0, len(means), len(means))]) / len(means)
        for _ in range(RESAMPLES)
    ]
    return _middle(values, LEVEL)


def _of_classes(
    negative: Items, positive: Items, found: tuple[float, float, float], method: str
) -> Figure:
    children = {child for child, _ in [*negative, *positive]}
    return {
        "estimate": found[0],
        "low": found[1],
        "high": found[2],
        "level": LEVEL,
        "sample_size": len(children),
        "n_children": len(children),
        "n_items": len(negative) + len(positive),
        "n_negative": len(negative),
        "n_positive": len(positive),
        "method": method,
    }


def _fewest(*classes: Items) -> int:
    return min(len({child for child, _ in rows}) for rows in classes)


def _middle(values: list[float], level: float) -> tuple[float, float]:
    ordered = sorted(values)
    return _quantile(ordered, (1 - level) / 2), _quantile(ordered, (1 + level) / 2)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    lower = math.floor(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower])
