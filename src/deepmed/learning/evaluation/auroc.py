"""AUROC with intervals over children."""

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children, CodeArray, child_list
from deepmed.learning.evaluation.auroc_bounds import Bounds, auroc_bounds, difference_bounds
from deepmed.learning.evaluation.bootstrap import (
    FloatArray,
    Statistic,
    child_codes,
    enough_children,
    finite,
    resampled_statistic,
)
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED, Interval

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
    """AUROC with a child-bootstrap interval, widened where that is too short.

    A child may have drawings in both classes; it is drawn with all of them. Above 0.9 and below
    0.1 the bootstrap alone would miss the truth in up to a fifth of the cases instead of a
    twentieth; there the interval is the hull of it and of Newcombe's method 5 (Statistics in
    Medicine 25 (2006) 559-573), with children as the units: it counts a child's several drawings
    as one, so it is too wide rather than too short. Where all resamples agree, as they do where the
    classes are perfectly separated, they would claim certainty; the Wilson bound of the class with
    fewer children then stands in for the bound that they cannot give.

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
    bounds, beside = auroc_bounds(estimate, resampled, sample.n_by_class, level)
    method = f"child bootstrap, {resamples} resamples{beside}"
    return sample.interval(estimate, bounds, level=level, method=method, split=split)


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

    The first wins beyond the interval where `wholly_above(0.0)`. Where all resamples agree, for
    example because both separate the classes perfectly, they do not claim to be equal for certain:
    what was seen in no child may hold for as many as Wilson's bound of 0 of n children allows, n
    being those of the class with fewer. Newcombe's method is not joined here as it is for one
    AUROC: two of its intervals set against each other would be up to five times as wide, and the
    bootstrap alone lets one of two equals win in at most 5 % of the cases, also near 1, where there
    are twenty children or more.

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

    >>> good, bad, ids = (range(9), range(9, 18)), (range(9), range(9)), "abcdefghi"
    >>> figure = paired_difference_interval(good, bad, ids, ids, seed=0)
    >>> figure.estimate, figure.wholly_above(0.0)
    (0.5, True)
    """
    sample = _Sample(*first, negative_children, positive_children)
    _Sample(*second, negative_children, positive_children)
    minuend, subtrahend = sample.statistic(*first), sample.statistic(*second)
    resampled = resampled_statistic(
        lambda drawn: minuend(drawn) - subtrahend(drawn), sample.n, sample.n_items, seed, resamples
    )
    difference = auroc(*first) - auroc(*second)
    bounds, beside = difference_bounds(difference, resampled, min(sample.n_by_class), level)
    method = f"paired child bootstrap, {resamples} resamples{beside}"
    return sample.interval(difference, bounds, level=level, method=method, split=split)


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
        self.n_by_class = len(set(both[0])), len(set(both[1]))
        enough_children(self.n_by_class[0], "negatives")
        enough_children(self.n_by_class[1], "positives")

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
        self, estimate: float, bounds: Bounds, *, level: float, method: str, split: str
    ) -> Interval:
        return Interval(
            estimate=estimate,
            low=bounds[0],
            high=bounds[1],
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
