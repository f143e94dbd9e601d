"""Means and rank correlations."""

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.bootstrap import (
    child_codes,
    enough_children,
    finite,
    percentile_bounds,
    resampled_statistic,
)
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED, Interval


def mean_interval(
    values: ArrayLike,
    children: Children,
    seed: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    split: str = NOT_STATED,
) -> Interval:
    """The mean over children of each child's mean, with a child-bootstrap interval.

    Args:
        values: (k,) one a drawing, in any unit.
        children: (k,) child of each.
        seed: Seed of the run.
        resamples: Bootstrap resamples.
        level: Confidence level.
        split: Which drawings these are.

    Raises:
        InsufficientDataError: There are fewer than five children.
        EvaluationError: A value is not finite, or lengths differ.

    >>> mean_interval([0.0, 2.0, 3.0, 4.0, 5.0, 6.0], ["a", "a", "b", "c", "d", "e"], 0).estimate
    3.8
    """
    numbers = finite(values, "values")
    codes, n = child_codes(children, len(numbers))
    enough_children(n, "values")
    means = np.bincount(codes, weights=numbers) / np.bincount(codes)
    resampled = resampled_statistic(lambda drawn: drawn @ means / n, n, n, seed, resamples)
    low, high = percentile_bounds(resampled, level)
    return Interval(
        estimate=float(means.mean()),
        low=low,
        high=high,
        level=level,
        method=f"child bootstrap, {resamples} resamples",
        unit="child",
        sample_size=n,
        n_items=len(numbers),
        split=split,
    )


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation, ties sharing their mean rank.

    Source: Spearman, American Journal of Psychology 15 (1904).

    Args:
        first: (k,) values.
        second: (k,) values of the same items.

    Returns:
        -1 to 1.

    Raises:
        InsufficientDataError: A row is constant or empty: it has no order to compare.
        EvaluationError: A value is not finite, or lengths differ.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 40, 30])
    0.8
    """
    rows = [finite(first, "first values"), finite(second, "second values")]
    if len(rows[0]) != len(rows[1]):
        raise EvaluationError(f"{len(rows[0])} values cannot be paired with {len(rows[1])}.")
    from scipy.stats import rankdata  # noqa: PLC0415 - it takes longer to load than all else here

    ranks = [rankdata(row) - (len(row) + 1) / 2 for row in rows]
    spread = float(np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1])))
    if spread == 0:
        raise InsufficientDataError("Values that are all equal have no order to correlate.")
    return float(ranks[0] @ ranks[1]) / spread
