"""Bounds over children where the bootstrap alone would promise too much.

Near 0 and 1 its interval is too short, and where all resamples agree it has no width at all.
"""

from scipy import optimize, special

from deepmed.learning.evaluation.bootstrap import FloatArray, percentile_bounds
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.shares import wilson_bounds

Bounds = tuple[float, float]

NEAR_THE_ENDS = (0.1, 0.9)
"""Outside of these, Newcombe's interval joins the bootstrap's; inside, it would only ignore how
much several drawings tell of a child, and be up to twice as wide for nothing."""
NO_WIDTH = 1e-12
ALL_AGREE = "; Wilson bound where all agree"
JOINED = ", widened to Newcombe's method 5"


def newcombe_bounds(
    estimate: float, n_negative: int, n_positive: int, level: float = 0.95
) -> Bounds:
    """The AUROCs from which an estimate lies exactly z of their own standard errors away.

    The variance is Hanley and McNeil's for exponential scores, taken at the bound and not at the
    estimate, and with one mean size for both classes, so that it is the same for 1 - AUROC. Hence
    the interval neither leaves 0 to 1 nor shrinks to nothing at the ends.

    Source: method 5 of Newcombe, Statistics in Medicine 25 (2006) 559-573; Hanley and McNeil,
    Radiology 143 (1982) 29-36.

    Args:
        estimate: AUROC, 0 to 1.
        n_negative: Independent negatives; children, where a child has several drawings.
        n_positive: Independent positives.
        level: Confidence level.

    Raises:
        EvaluationError: The estimate or the level is none, or a class is empty.

    >>> [round(bound, 4) for bound in newcombe_bounds(0.95, 20, 20)]
    [0.8157, 0.9867]
    """
    if not (0 <= estimate <= 1 and 0 < level < 1 and min(n_negative, n_positive) > 0):
        raise EvaluationError(
            f"An AUROC lies within 0 and 1, a level between, and both classes have somebody: "
            f"{estimate}, {level}, {n_negative} and {n_positive}."
        )
    low = _newcombe_low(estimate, n_negative, n_positive, level)
    return low, 1 - _newcombe_low(1 - estimate, n_negative, n_positive, level)


def _newcombe_low(estimate: float, n_negative: int, n_positive: int, level: float) -> float:
    if estimate == 0:
        return 0.0
    z = special.ndtri((1 + level) / 2)
    others = (n_negative + n_positive) / 2 - 1

    def too_far(bound: float) -> float:
        spread = 1 + others * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        variance = bound * (1 - bound) * spread / (n_negative * n_positive)
        return float((estimate - bound) ** 2 - z * z * variance)

    # At 1 itself the variance is nought, which solves the equation for an estimate of 1, too.
    return float(optimize.brentq(too_far, 0.0, min(estimate, 1 - NO_WIDTH), xtol=1e-15))


def unseen_bounds(
    value: float, n: int, *, lowest: float = 0.0, highest: float = 1.0, level: float = 0.95
) -> Bounds:
    """How far a figure may lie from what all n children agree on.

    What none of them showed may still hold for a share of children as large as Wilson's upper
    bound of 0 of n, and among those the figure may be anything. For an AUROC of 0 or 1 this is
    Wilson's interval itself.

    Args:
        value: What all resamples say.
        n: Children of the class with fewer.
        lowest: The least that the figure can be.
        highest: The most that it can be.
        level: Confidence level.

    >>> [round(bound, 4) for bound in unseen_bounds(1.0, 20)]
    [0.8389, 1.0]
    >>> [round(bound, 4) for bound in unseen_bounds(0.0, 20, lowest=-1.0)]
    [-0.1611, 0.1611]
    """
    share = wilson_bounds(0.0, n, level)[1]
    return value + share * (lowest - value), value + share * (highest - value)


def auroc_bounds(
    estimate: float, resampled: FloatArray, n_children: tuple[int, int], level: float
) -> tuple[Bounds, str]:
    """The bounds of an AUROC, and what was done beside resampling, in words.

    Args:
        estimate: AUROC.
        resampled: (r,) the AUROC of each resample of children.
        n_children: How many children have negatives, and how many have positives.
        level: Confidence level.

    >>> import numpy as np
    >>> auroc_bounds(0.5, np.array([0.25, 0.5, 0.75]), (20, 20), 0.5)
    ((0.375, 0.625), '')
    """
    low, high = percentile_bounds(resampled, level)
    if high - low <= NO_WIDTH:
        return unseen_bounds(estimate, min(n_children), level=level), ALL_AGREE
    if NEAR_THE_ENDS[0] <= estimate <= NEAR_THE_ENDS[1]:
        return (low, high), ""
    least, most = newcombe_bounds(estimate, *n_children, level)
    return (min(low, least), max(high, most)), JOINED


def difference_bounds(
    difference: float, resampled: FloatArray, n: int, level: float
) -> tuple[Bounds, str]:
    """The bounds of one AUROC less another, and what was done beside resampling, in words.

    Args:
        difference: Of the two AUROCs.
        resampled: (r,) the difference in each resample of children.
        n: Children of the class with fewer.
        level: Confidence level.

    >>> import numpy as np
    >>> difference_bounds(0.0, np.array([-0.5, 0.0, 0.5]), 20, 0.5)
    ((-0.25, 0.25), '')
    """
    low, high = percentile_bounds(resampled, level)
    if high - low > NO_WIDTH:
        return (low, high), ""
    return unseen_bounds(difference, n, lowest=-1.0, level=level), ALL_AGREE
