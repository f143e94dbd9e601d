"""AUROC with intervals over children."""

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children, CodeArray, child_list
from deepmed.learning.evaluation.bootstrap import (
    FloatArray,
    Statistic,
    child_codes,
    enough_children,
    finite,
    percentile_bounds,
    resampled_statistic,
)
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED, Interval
from deepmed.learning.evaluation.shares import wilson_bounds

Scores = tuple[ArrayLike, ArrayLike]


def auroc(negative: ArrayLike, positive: ArrayLike) -> float:
    """The chance that a positive scores above a negative, ties counting half.

    Source: Hanley and McNeil, Radiology 143 (1982).

    Args:
        negative: (k,) scores of the negatives, higher is more abnormal.
        positive: (l,) scores of the positives.

    Returns:
        0 to 1; 0.5 is chance.

    Raises:
        InsufficientDataError: A class is empty.
        EvaluationError: A score is not finite.

    >>> auroc([1.0, 2.0], [2.0, 3.0])
    0.875
    """
    negatives = np.sort(finite(negative, "negative scores"))
    positives = finite(positive, "positive scores")
    wins = np.searchsorted(negatives, positives, "left").sum()
    at_least = np.searchsorted(negatives, positives, "right").sum()
    return float(wins + at_least) / (2 * len(negatives) * len(positives))


def auroc_interval(
    negative: ArrayLike,
    positive: ArrayLike,
    negative_children: Children,
    positive_children: Children,
    seed: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    split: str = NOT_STATED,
) -> Interval:
    """AUROC with a child-bootstrap interval.

    A child may have drawings in both classes; it is drawn with all of them. Where the classes are
    perfectly separated, all resamples agree and would claim certainty; the Wilson bound of the
    class with fewer children then stands in for the bound that they cannot give.

    Args:
        negative: (k,) scores of the negatives, higher is more abnormal.
        positive: (l,) scores of the positives.
        negative_children: (k,) child of each negative.
        positive_children: (l,) child of each positive.
        seed: Seed of the run.
        resamples: Bootstrap resamples.
        level: Confidence level.
        split: Which drawings these are.

    Raises:
        InsufficientDataError: A class has drawings of fewer than five children.
        EvaluationError: A score is not finite, or lengths differ.

    >>> figure = auroc_interval(range(9), range(5, 14), "abcdefghi", "abcdefghi", seed=0)
    >>> round(figure.estimate, 4), figure.n_children, figure.wholly_above(0.5)
    (0.9012, 9, True)
    """
    estimate = auroc(negative, positive)
    sample = _Sample(negative, positive, negative_children, positive_children)
    resampled = resampled_statistic(
        sample.statistic(negative, positive), sample.n, sample.n_items, seed, resamples
    )
    low, high = percentile_bounds(resampled, level)
    method = f"child bootstrap, {resamples} resamples"
    if estimate in {0.0, 1.0}:
        low, high = wilson_bounds(estimate, sample.n_smaller, level)
        method += "; Wilson bound where all agree"
    return sample.interval(estimate, low, high, level=level, method=method, split=split)


def paired_difference_interval(
    first: Scores,
    second: Scores,
    negative_children: Children,
    positive_children: Children,
    seed: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    split: str = NOT_STATED,
) -> Interval:
    """AUROC of one detector minus that of another on the same drawings.

    The first wins beyond the interval where `wholly_above(0.0)`.

    Args:
        first: The first detector's (negative, positive) scores.
        second: The second detector's, of the same drawings in the same order.
        negative_children: Child of each negative.
        positive_children: Child of each positive.
        seed: Seed of the run.
        resamples: Bootstrap resamples.
        level: Confidence level.
        split: Which drawings these are.

    Raises:
        InsufficientDataError: A class has drawings of fewer than five children.
        EvaluationError: A score is not finite, or lengths differ.

    >>> good, bad = (range(6), range(6, 12)), (range(6), range(6))
    >>> figure = paired_difference_interval(good, bad, "abcdef", "abcdef", seed=0)
    >>> figure.estimate, figure.wholly_above(0.0)
    (0.5, True)
    """
    sample = _Sample(*first, negative_children, positive_children)
    _Sample(*second, negative_children, positive_children)
    minuend, subtrahend = sample.statistic(*first), sample.statistic(*second)
    resampled = resampled_statistic(
        lambda drawn: minuend(drawn) - subtrahend(drawn), sample.n, sample.n_items, seed, resamples
    )
    low, high = percentile_bounds(resampled, level)
    method = f"paired child bootstrap, {resamples} resamples"
    difference = auroc(*first) - auroc(*second)
    return sample.interval(difference, low, high, level=level, method=method, split=split)


class _Sample:
    """Two classes of drawings and the children who made them."""

    def __init__(
        self,
        negative: ArrayLike,
        positive: ArrayLike,
        negative_children: Children,
        positive_children: Children,
    ) -> None:
        self.n_negative = len(finite(negative, "negative scores"))
        self.n_positive = len(finite(positive, "positive scores"))
        self.n_items = self.n_negative + self.n_positive
        both = [child_list(negative_children), child_list(positive_children)]
        if [len(ids) for ids in both] != [self.n_negative, self.n_positive]:
            raise EvaluationError("Each negative and each positive needs a child id.")
        codes, self.n = child_codes([*both[0], *both[1]], self.n_items)
        self.negative_codes, self.positive_codes = np.split(codes, [self.n_negative])
        of_negatives, of_positives = (len(set(ids)) for ids in both)
        self.n_smaller = min(of_negatives, of_positives)
        enough_children(of_negatives, "negatives")
        enough_children(of_positives, "positives")

    def statistic(self, negative: ArrayLike, positive: ArrayLike) -> Statistic:
        negatives = finite(negative, "negative scores")
        order = np.argsort(negatives, kind="stable")
        return _weighted_auroc(
            negatives[order],
            finite(positive, "positive scores"),
            self.negative_codes[order],
            self.positive_codes,
        )

    def interval(
        self, estimate: float, low: float, high: float, *, level: float, method: str, split: str
    ) -> Interval:
        return Interval(
            estimate=estimate,
            low=low,
            high=high,
            level=level,
            method=method,
            unit="child",
            sample_size=self.n,
            n_items=self.n_items,
            n_negative=self.n_negative,
            n_positive=self.n_positive,
            split=split,
        )


def _weighted_auroc(
    negatives: FloatArray, positives: FloatArray, below: CodeArray, above: CodeArray
) -> Statistic:
    """AUROC as a function of how often each child was drawn; NaN without one of the classes."""
    left = np.searchsorted(negatives, positives, "left")
    right = np.searchsorted(negatives, positives, "right")

    def statistic(drawn: FloatArray) -> FloatArray:
        weights = drawn[:, below]
        total = np.zeros((len(drawn), len(negatives) + 1))
        np.cumsum(weights, axis=1, out=total[:, 1:])
        positive_weights = drawn[:, above]
        wins = np.einsum("rp,rp->r", positive_weights, total[:, left] + total[:, right])
        pairs = 2 * total[:, -1] * positive_weights.sum(axis=1)
        values: FloatArray = np.full(len(drawn), np.nan)
        np.divide(wins, pairs, out=values, where=pairs > 0)
        return values

    return statistic
