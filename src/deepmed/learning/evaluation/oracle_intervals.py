"""Figures with their intervals once more, by another way than the figures themselves.

An AUROC is counted from midranks of both classes together (rank sum), a share and a mean child by
child. Newcombe's bounds are roots of a polynomial here, where the figures search for them. Only the
stream of random numbers is the same, as the same children must be drawn.
"""

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist
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
MIDDLE = 0.4
"""So far from one half the bootstrap stands alone."""
SAME = 1e-12
ALL_AGREE = "; Wilson bound where all agree"
JOINED = ", widened to Newcombe's method 5"
_NUMBERS_AT_ONCE = 2_000_000
FIGURE = (
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
"""What a figure with its interval consists of, its words apart."""


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
        return dict.fromkeys(FIGURE)
    low, high, beside = _auroc_bounds(negative, positive, seed, RESAMPLES, LEVEL)
    method = f"child bootstrap, {RESAMPLES} resamples{beside}"
    return _of_classes(negative, positive, (_auroc(negative, positive), low, high), method)


def recompute_difference_figure(
    first: tuple[Items, Items], second: tuple[Items, Items], seed: int
) -> Figure:
    """One AUROC minus another on the same drawings, with its interval over children.

    Args:
        first: (negative, positive) rows of (child, score).
        second: The same drawings in the same order, with other scores.
        seed: Seed of the interval.

    >>> rows = [(child, float(child)) for child in range(6)]
    >>> round(recompute_difference_figure((rows, rows), (rows, rows), seed=0)["high"], 4)
    0.3903
    """
    if _fewest(*first) < LEAST_CHILDREN:
        return dict.fromkeys(FIGURE)
    difference = _auroc(*first) - _auroc(*second)
    values = _resampled([_Ranked(*pair) for pair in (first, second)], seed, RESAMPLES)
    low, high = _middle((values[0] - values[1]).tolist(), LEVEL)
    method = f"paired child bootstrap, {RESAMPLES} resamples"
    if math.isclose(low, high, rel_tol=0, abs_tol=SAME):
        low, high = _recompute_unseen(difference, (-1, 1), _fewest(*first), LEVEL)
        method += ALL_AGREE
    return _of_classes(*first, (difference, low, high), method)


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
        return dict.fromkeys(FIGURE)
    estimate = recompute_mean([(child, float(flag)) for child, flag in flags])
    if single or len(told) == 1:
        bounds, method = recompute_wilson(round(estimate * n), n, LEVEL), "Wilson score"
    else:
        bounds = _mean_bounds(flags, children, seed)
        method = f"child bootstrap, {RESAMPLES} resamples"
    return dict.fromkeys(FIGURE) | {
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
    """The bounds of AUROC, from the same random stream.

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
    low, high, _ = _auroc_bounds(negative, positive, seed, resamples, level)
    return low, high


def recompute_newcombe(
    estimate: float, n_negative: int, n_positive: int, level: float = 0.95
) -> tuple[float, float]:
    """The two AUROCs from which an estimate within 0 and 1 lies z standard errors away.

    With k and n children in the classes, h = (k + n) / 2 - 1 and estimate e, they are the roots
    beside e of
    k n (x - e)**2 (2 - x) (1 + x) = z**2 x (1 - x) ((2 - x) (1 + x) + h (1 + 2 x - 2 x**2)),
    Newcombe's equation without its fractions.

    >>> [round(bound, 4) for bound in recompute_newcombe(0.95, 20, 20)]
    [0.8157, 0.9867]
    """
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    x = np.polynomial.Polynomial([0.0, 1.0])
    below = (2 - x) * (1 + x)
    spread = below + ((n_negative + n_positive) / 2 - 1) * (1 + 2 * x - 2 * x**2)
    equation = n_negative * n_positive * (x - estimate) ** 2 * below - z2 * x * (1 - x) * spread
    roots = [float(root.real) for root in equation.roots() if abs(root.imag) < SAME]
    return (
        max(root for root in roots if 0 < root < estimate),
        min(root for root in roots if estimate < root < 1),
    )


def _auroc_bounds(
    negative: Items, positive: Items, seed: int, resamples: int, level: float
) -> tuple[float, float, str]:
    """Both bounds, and what was done beside resampling."""
    estimate = _auroc(negative, positive)
    (values,) = _resampled([_Ranked(negative, positive)], seed, resamples)
    low, high = _middle(values.tolist(), level)
    if math.isclose(low, high, rel_tol=0, abs_tol=SAME):
        return *_recompute_unseen(estimate, (0, 1), _fewest(negative, positive), level), ALL_AGREE
    if abs(estimate - 0.5) <= MIDDLE:
        return low, high, ""
    few, many = (len({child for child, _ in rows}) for rows in (negative, positive))
    least, most = recompute_newcombe(estimate, few, many, level)
    return min(low, least), max(high, most), JOINED


def _recompute_unseen(
    value: float, ends: tuple[int, int], n: int, level: float
) -> tuple[float, float]:
    """Where a share of children that showed up in none of n draws the value to one of its ends."""
    _, share = recompute_wilson(0, n, level)
    low, high = ((1 - share) * value + share * end for end in ends)
    return low, high


def _auroc(negative: Items, positive: Items) -> float:
    return recompute_auroc([score for _, score in negative], [score for _, score in positive])


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
