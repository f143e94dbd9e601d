"""Intervals of shares, and how far a false-alarm rate may lie from its level."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from deepmed.learning.calibration.children import Children
from deepmed.learning.calibration.level import attainable_rank, normalized_score
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.bootstrap import child_codes, enough_children, finite
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED, Interval
from deepmed.learning.evaluation.means import mean_interval

WILSON = "Wilson score"


def wilson_bounds(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score bounds of an observed share of n independent units.

    Source: Wilson, JASA 22 (1927).

    Args:
        share: Observed share, 0 to 1.
        n: Independent units.
        level: Confidence level.

    >>> [round(bound, 4) for bound in wilson_bounds(0.5, 10)]
    [0.2366, 0.7634]
    """
    if not (0 <= share <= 1 and 0 < level < 1):
        raise EvaluationError(f"A share lies within 0 and 1, a level between: {share}, {level}.")
    z = special.ndtri((1 + level) / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the bound is the end itself, whatever the last bits say.
    low = 0.0 if share == 0 else float(centre - half)
    high = 1.0 if share == 1 else float(centre + half)
    return low, high


def wilson_interval(
    k: int, n: int, level: float = 0.95, *, unit: str = "drawing", split: str = NOT_STATED
) -> Interval:
    """The share k of n independent units, with its Wilson score interval.

    Args:
        k: Units that count, 0 to n.
        n: Units; where a child has several drawings use `share_interval` instead.
        level: Confidence level.
        unit: What was counted.
        split: Which drawings these are.

    Raises:
        InsufficientDataError: n is zero.
        EvaluationError: k is not within 0 and n.

    >>> round(wilson_interval(0, 20).high, 4)
    0.1611
    """
    if n < 1:
        raise InsufficientDataError("There are no units to take a share of.")
    low, high = wilson_bounds(k / n, n, level)
    return Interval(
        estimate=k / n,
        low=low,
        high=high,
        level=level,
        method=WILSON,
        unit=unit,
        sample_size=n,
        n_items=n,
        split=split,
    )


def share_interval(
    flags: ArrayLike,
    children: Children,
    seed: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    split: str = NOT_STATED,
) -> Interval:
    """The share of flagged drawings, each child weighing one, with an interval over children.

    With one drawing a child it is Wilson's interval. Otherwise children are resampled, except where
    all drawings agree: resamples would then claim certainty, and Wilson's interval over children
    answers instead.

    Args:
        flags: (k,) true or false, one a drawing.
        children: (k,) child of each.
        seed: Seed of the run.
        resamples: Bootstrap resamples.
        level: Confidence level.
        split: Which drawings these are.

    Raises:
        InsufficientDataError: There are no drawings, or fewer than five children with several.

    >>> figure = share_interval([True, False, False, True], ["a", "b", "c", "d"], seed=0)
    >>> figure.estimate, figure.method
    (0.5, 'Wilson score')
    """
    values = finite(np.asarray(flags, dtype=bool), "flags")
    _, n = child_codes(children, len(values))
    if n == len(values) or values.min() == values.max():
        figure = wilson_interval(int(np.rint(values.mean() * n)), n, level, unit="child")
        return replace(figure, n_items=len(values), split=split)
    enough_children(n, "flags")
    return mean_interval(values, children, seed, resamples=resamples, level=level, split=split)


def false_alarm_spread(n: int, *, percentile: float = 95.0, level: float = 0.95) -> Interval:
    """The false-alarm rates that a calibration of n children may turn out to have.

    The promised rate k / (n + 1), k = floor(alpha * (n + 1)), is an average over calibrations; that
    of one given calibration is distributed as Beta(k, n + 1 - k), without ties and with one drawing
    a child. Source: Vovk, Conditional validity of inductive conformal predictors (2012).

    Args:
        n: Calibration children.
        percentile: The percentile to flag above.
        level: The share of calibrations that the interval holds.

    Raises:
        InsufficientDataError: n children cannot support the percentile.

    >>> spread = false_alarm_spread(19)
    >>> round(spread.low, 4), spread.estimate, round(spread.high, 4)
    (0.0013, 0.05, 0.1765)
    """
    k = _supported_rank(n, percentile)
    low, high = special.betaincinv(k, n + 1 - k, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        estimate=k / (n + 1),
        low=float(low),
        high=float(high),
        level=level,
        method="Beta distribution of a given calibration's rate",
        unit="child",
        sample_size=n,
        n_items=n,
        split="calibration",
    )


def observed_false_alarm_spread(
    n: int, drawings: int, *, percentile: float = 95.0, level: float = 0.95
) -> Interval:
    """The shares of flagged drawings to expect among new children, one drawing each.

    The number flagged is beta-binomial: the calibration's own rate varies, and so does the draw.

    Args:
        n: Calibration children.
        drawings: Drawings of as many new children.
        percentile: The percentile to flag above.
        level: The share of repetitions that the interval holds.

    Raises:
        InsufficientDataError: n children cannot support the percentile, or there are no drawings.

    >>> spread = observed_false_alarm_spread(99, 100)
    >>> spread.low, spread.estimate, spread.high
    (0.0, 0.05, 0.12)
    """
    k = _supported_rank(n, percentile)
    if drawings < 1:
        raise InsufficientDataError("There are no drawings to expect a share of.")
    from scipy import stats  # noqa: PLC0415 - it takes longer to load than all else here

    flagged = stats.betabinom(drawings, k, n + 1 - k)
    return Interval(
        estimate=k / (n + 1),
        low=float(flagged.ppf((1 - level) / 2)) / drawings,
        high=float(flagged.ppf((1 + level) / 2)) / drawings,
        level=level,
        method="beta-binomial distribution of the observed share",
        unit="child",
        sample_size=n,
        n_items=drawings,
        split="new children",
    )


def _supported_rank(n: int, percentile: float) -> int:
    k = attainable_rank(percentile, n)
    if k < 1:
        highest = normalized_score(0.0, n)
        raise InsufficientDataError(
            f"{n} calibration children support at most the percentile {highest:.6g}, "
            f"not {percentile:g}; nothing would be flagged."
        )
    return k
