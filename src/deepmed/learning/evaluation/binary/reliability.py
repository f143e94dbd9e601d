"""How far stated probabilities lie from observed shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.evaluation.binary.cases import BoolArray, class_labels, shares_of_one
from deepmed.learning.evaluation.bootstrap import FloatArray

BINS = 15
"""Of equal width, as Guo et al., On calibration of modern neural networks, ICML 2017, have them."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose probability lies in one range.

    `stated` and `observed` are None where there is no image.

    >>> ReliabilityBin(0.0, 0.5, 4, 0.2, 0.25).gap
    0.04999999999999999
    """

    low: float
    high: float
    n: int
    stated: float | None
    """Mean probability."""
    observed: float | None
    """Share of positives."""

    @property
    def gap(self) -> float | None:
        """Observed less stated."""
        if self.stated is None or self.observed is None:
            return None
        return self.observed - self.stated


def reliability_table(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Stated probabilities beside observed shares, in bins of equal width.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.
        bins: How many.

    Returns:
        As many bins, each from its lower bound up to below its upper one; the last one whole.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> [row.n for row in reliability_table([0, 1, 1], [0.1, 0.9, 1.0], bins=2)]
    [1, 2]
    """
    positive = class_labels(labels, 2) == 1
    return tabulated(positive, shares_of_one(probabilities, positive.shape), bins)


def tabulated(
    positive: BoolArray, scores: FloatArray, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The same of values that were checked.

    >>> tabulated(np.array([True]), np.array([0.5]), 1)[0].observed
    1.0
    """
    places = bin_of(scores, bins)
    n = np.bincount(places, minlength=bins)
    stated = np.bincount(places, weights=scores, minlength=bins)
    observed = np.bincount(places, weights=positive, minlength=bins)
    edges = np.linspace(0, 1, bins + 1).tolist()
    return tuple(
        ReliabilityBin(
            edges[place],
            edges[place + 1],
            int(count),
            float(stated[place] / count) if count else None,
            float(observed[place] / count) if count else None,
        )
        for place, count in enumerate(n)
    )


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS
) -> float:
    """Mean distance of stated probability and observed share, over bins by how many they hold.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015. It is about the probability of class 1, not
    about that of the decision.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.
        bins: Bins of equal width.

    Returns:
        0 to 1; above 0 also for a perfect model, as shares of few images scatter.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> round(expected_calibration_error([0, 1, 1, 1], [0.25, 0.75, 0.75, 0.75]), 4)
    0.25
    """
    table = reliability_table(labels, probabilities, bins)
    return sum(row.n * abs(row.gap) for row in table if row.gap is not None) / sum(
        row.n for row in table
    )


def bin_of(scores: FloatArray, bins: int) -> NDArray[np.intp]:
    """The bin of each score; 1 belongs to the last.

    >>> bin_of(np.array([0.0, 0.5, 1.0]), 2).tolist()
    [0, 1, 1]
    """
    edges = np.linspace(0, 1, bins + 1)
    return np.minimum(np.searchsorted(edges, scores, side="right") - 1, bins - 1)
