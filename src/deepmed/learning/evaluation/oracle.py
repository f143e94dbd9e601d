"""Every figure once more, by another way: loops and exact fractions over stored predictions.

`deepmed verify` compares stored figures with these. Nothing here is shared with the calibration
and the metrics that it checks, not even the rounding; agreement is therefore evidence.
"""

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = Iterable[tuple[Hashable, float]]

_TEN_DIGITS = Context(prec=10, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)


def recompute_decision(
    calibration_rows: Rows, score: float, percentile: float, own_child: Hashable | None = None
) -> dict[str, Any]:
    """The decision on one score.

    Args:
        calibration_rows: (child, score) of each calibration drawing.
        score: The score to rank.
        percentile: The percentile to flag above.
        own_child: The drawing's child where it calibrates: it is left out.

    Returns:
        n_children, count_at_or_above, p_value, normalized_score, threshold, attained_level,
        is_anomaly, decision and confidence, named as in a stored decision.

    >>> recompute_decision([(child, child) for child in range(19)], 50, 95)["p_value"]
    0.05
    """
    by_child = _group(calibration_rows, own_child)
    n = len(by_child)
    alpha = 1 - Fraction(str(percentile)) / 100
    query = _ten_digits(score)
    count = _count(by_child, query)
    p = (1 + count) / Fraction(n + 1)
    flagged = p <= alpha
    steps = _reachable(by_child)
    lowest = Fraction(1, n + 1)
    supported = lowest <= alpha
    within = [lowest, *(p_of for _, p_of in steps if p_of <= alpha)]
    return {
        "n_children": n,
        "count_at_or_above": float(count),
        "p_value": float(p),
        "normalized_score": float(round(100 * (1 - p), 9)),
        "threshold": max(score for score, p_of in steps if p_of > alpha) if supported else None,
        "attained_level": float(max(within)) if supported else None,
        "is_anomaly": flagged,
        "decision": "ranked" if supported else "not_supported",
        "confidence": recompute_confidence(float(alpha), float(count), n, flagged=flagged)
        if supported
        else None,
    }


def recompute_manual_decision(
    calibration_rows: Rows, score: float, threshold: float, own_child: Hashable | None = None
) -> dict[str, Any]:
    """The decision on one score under a threshold set by hand.

    >>> rows = [(child, child) for child in range(19)]
    >>> recompute_manual_decision(rows, 17.5, 17)["false_alarm_estimate"]
    0.1
    """
    by_child = _group(calibration_rows, own_child)
    limit = _ten_digits(threshold)
    above = sum(
        (Fraction(sum(value > limit for value in own), len(own)) for own in by_child.values()),
        Fraction(0),
    )
    return {
        "is_anomaly": _ten_digits(score) > limit,
        "false_alarm_estimate": float((1 + above) / Fraction(len(by_child) + 1)),
    }


def recompute_flags(
    calibration_rows: Rows, queries: Sequence[tuple[Hashable, float]], percentile: float
) -> list[tuple[bool | None, float | None]]:
    """Whether drawings of calibration children are flagged, each ranked against the others.

    Args:
        calibration_rows: (child, score) of each calibration drawing.
        queries: (child, score) of each drawing to rank; a child that does not calibrate is new.
        percentile: The percentile to flag above.

    Returns:
        For each the flag, null where so few children cannot support the percentile, and the
        attained level of its ranking.

    >>> rows = [(child, child) for child in range(20)]
    >>> recompute_flags(rows, [(3, 50), (19, 17.5)], 95)
    [(True, 0.05), (False, 0.05)]
    """
    by_child = _group(calibration_rows, None)
    alpha = 1 - Fraction(str(percentile)) / 100
    falling = sorted(
        ((-score, child) for child, own in by_child.items() for score in own),
        key=lambda pair: pair[0],
    )
    counted = [Fraction(0)]
    for _, child in falling:
        counted.append(counted[-1] + Fraction(1, len(by_child[child])))
    levels: dict[Hashable, float | None] = {}
    answers: list[tuple[bool | None, float | None]] = []
    for child, score in queries:
        own = by_child.get(child, [])
        n = len(by_child) - bool(own)
        if child not in levels:
            levels[child] = _attained(falling, by_child, child, n, alpha)
        query = _ten_digits(score)
        at_or_above = bisect_right(falling, -query, key=lambda pair: pair[0])
        mine = Fraction(sum(value >= query for value in own), max(1, len(own)))
        p = (1 + counted[at_or_above] - mine) / Fraction(n + 1)
        answers.append((None if levels[child] is None else p <= alpha, levels[child]))
    return answers


def _attained(
    falling: Sequence[tuple[float, Hashable]],
    by_child: dict[Hashable, list[float]],
    left_out: Hashable,
    n: int,
    alpha: Fraction,
) -> float | None:
    """The largest reachable p not above alpha among the other children; null where there is none.

    From the highest score down: behind a group of equal scores, p has its next reachable value.
    """
    if Fraction(1, n + 1) > alpha:
        return None
    reached, total = Fraction(1, n + 1), Fraction(1)
    for place, (negated, child) in enumerate(falling):
        if child != left_out:
            total += Fraction(1, len(by_child[child]))
        if place + 1 < len(falling) and falling[place + 1][0] == negated:
            continue
        if total / (n + 1) > alpha:
            break
        reached = total / (n + 1)
    return float(reached)


@cache
def _gauss_nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computed once: a report has a decision for each of its items, and this takes longest."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    return nodes, weights


def recompute_confidence(alpha: float, count: float, n: int, *, flagged: bool) -> float:
    """The share of Beta(count + 1, n - count + 1) below alpha, or above it where not flagged.

    Integrated numerically, to about nine digits.

    >>> round(recompute_confidence(0.05, 0.0, 19, flagged=True), 9)
    0.641514078
    """
    nodes, weights = _gauss_nodes()
    # x = alpha * u**4 makes the integrand smooth at zero also where the count is a fraction.
    u = (nodes + 1) / 2
    x = alpha * u**4
    log_density = count * np.log(x) + (n - count) * np.log1p(-x)
    log_norm = math.lgamma(n + 2) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    below = float(np.sum(weights / 2 * np.exp(log_density + log_norm) * 4 * alpha * u**3))
    return below if flagged else 1 - below


def recompute_auroc(negative: Sequence[float], positive: Sequence[float]) -> float:
    """Pairs won by the positives, ties half, over all pairs.

    >>> recompute_auroc([1.0, 2.0], [2.0, 3.0])
    0.875
    """
    negatives = np.asarray(negative, dtype=np.float64)
    won = 0.0
    for score in positive:
        won += float(np.sum(negatives < score)) + float(np.sum(negatives == score)) / 2
    return won / (len(negatives) * len(positive))


def recompute_mean(values: Rows) -> float:
    """The mean over children of each child's mean, from (child, value) rows.

    >>> recompute_mean([("ann", 1.0), ("ann", 3.0), ("bob", 5.0)])
    3.5
    """
    means = [math.fsum(own) / len(own) for own in _raw_groups(values, None).values()]
    return math.fsum(means) / len(means)


def recompute_wilson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The shares p at which k of n is exactly z standard errors away.

    Solved from (k/n - p)**2 = z**2 * p * (1 - p) / n as a quadratic in p.

    >>> [round(bound, 4) for bound in recompute_wilson(5, 10)]
    [0.2366, 0.7634]
    """
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    share = k / n
    a, b, c = 1 + z2 / n, -(2 * share + z2 / n), share * share
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def _ten_digits(score: float) -> float:
    return float(_TEN_DIGITS.plus(Decimal(float(score))))


def _raw_groups(rows: Rows, left_out: Hashable | None) -> dict[Hashable, list[float]]:
    groups: dict[Hashable, list[float]] = {}
    for child, score in rows:
        if left_out is None or child != left_out:
            groups.setdefault(child, []).append(float(score))
    return groups


def _group(rows: Rows, left_out: Hashable | None) -> dict[Hashable, list[float]]:
    return {
        child: [_ten_digits(score) for score in scores]
        for child, scores in _raw_groups(rows, left_out).items()
    }


def _count(by_child: dict[Hashable, list[float]], score: float) -> Fraction:
    total = Fraction(0)
    for own in by_child.values():
        total += Fraction(sum(value >= score for value in own), len(own))
    return total


def _reachable(by_child: dict[Hashable, list[float]]) -> list[tuple[float, Fraction]]:
    """Each calibration score with its p, from the highest score down."""
    weights: dict[float, Fraction] = {}
    for own in by_child.values():
        for score in own:
            weights[score] = weights.get(score, Fraction(0)) + Fraction(1, len(own))
    total = Fraction(1)
    steps = []
    for score in sorted(weights, reverse=True):
        total += weights[score]
        steps.append((score, total / (len(by_child) + 1)))
    return steps
