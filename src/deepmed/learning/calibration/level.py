"""The arithmetic of percentiles: here, and nowhere else, it is decided what is flagged.

A percentile is a decimal number that a person typed. 1 - 95/100 is not 0.05 in binary, so levels
are computed from the decimal text, and comparisons happen on the normalised scale, rounded to nine
decimals, where equal numbers are equal.
"""

from fractions import Fraction

from deepmed.learning.calibration.errors import ScoreNormalizationError


def exact_level(percentile: float) -> Fraction:
    """The level alpha = 1 - percentile/100, exactly.

    Args:
        percentile: Per cent of typical drawings that shall stay unflagged, 0 < percentile < 100.

    Raises:
        ScoreNormalizationError: The percentile is not between 0 and 100.

    >>> exact_level(99.9)
    Fraction(1, 1000)
    """
    if not 0 < percentile < 100:
        raise ScoreNormalizationError(f"A percentile lies between 0 and 100, not {percentile}.")
    return 1 - Fraction(repr(float(percentile))) / 100


def level_of(percentile: float) -> float:
    """The level alpha as the nearest float (share, no unit).

    >>> level_of(95), 1 - 95 / 100
    (0.05, 0.050000000000000044)
    """
    return float(exact_level(percentile))


def conformal_p(count: float, n: int) -> float:
    """The conformal p = (1 + W) / (n + 1), the share at or above a score, itself included.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005).

    Args:
        count: W, calibration children at or above the score (a child counts by the share of its
            drawings).
        n: Calibration children.

    >>> conformal_p(0.0, 19)
    0.05
    """
    return (1 + count) / (n + 1)


def normalized_score(count: float, n: int) -> float:
    """100 * (1 - p) for W = `count` and n children, rounded to nine decimals; 0 to below 100.

    >>> normalized_score(0.0, 19), normalized_score(0.0, 999)
    (95.0, 99.9)
    """
    return round(100 * (n - count) / (n + 1), 9)


def is_flagged(normalized: float, percentile: float) -> bool:
    """Whether a normalised score reaches the percentile: the one place that decides a flag.

    >>> is_flagged(normalized_score(0.0, 19), 95), is_flagged(normalized_score(0.0, 18), 95)
    (True, False)
    """
    return normalized >= percentile


def attainable_rank(percentile: float, n: int) -> int:
    """floor(alpha * (n + 1)): the rank from the top that a score needs to be flagged.

    Zero means that n children cannot support the percentile.

    >>> attainable_rank(95, 19), attainable_rank(95, 18), attainable_rank(99.9, 999)
    (1, 0, 1)
    """
    return int(exact_level(percentile) * (n + 1))
