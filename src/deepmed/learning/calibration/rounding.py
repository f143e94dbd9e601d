"""Scores are compared at ten significant digits, so that noise of the last bits breaks no tie."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.calibration.errors import ScoreNormalizationError

FloatArray = NDArray[np.float64]

_LOWEST, _HIGHEST = -13, 31
_DECADES = np.array([float(f"1e{power}") for power in range(_LOWEST, _HIGHEST + 2)])
# Powers of ten up to 10**22 are exact in float64, so scaling by them rounds at most once.
_EXACT = np.array([float(f"1e{power}") for power in range(23)])
_NEAR_A_TIE = 1e-4


def round_score(score: float) -> float:
    """One score at ten significant digits, halves of the exact binary value to even.

    Raises:
        ScoreNormalizationError: The score is not a finite number.

    >>> round_score(0.123456789012345)
    0.123456789
    """
    rounded = float(f"{float(score):.9e}") + 0.0
    if not math.isfinite(rounded):
        raise ScoreNormalizationError(f"A score must be a finite number, not {score}.")
    return rounded


def round_scores(scores: ArrayLike) -> FloatArray:
    """Scores at ten significant digits, the same on every machine.

    Args:
        scores: Any shape; the unit is the detector's own.

    Returns:
        A new float64 array of the same shape, equal to `round_score` of each element.

    Raises:
        ScoreNormalizationError: A score is not a finite number.

    >>> round_scores([1.00000000001, 2 / 3]).tolist()
    [1.0, 0.6666666667]
    """
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ScoreNormalizationError("Scores must be finite numbers; none was ranked.")
    size = np.abs(values)
    decade = np.searchsorted(_DECADES, size, side="right") - 1
    ordinary = (decade >= 0) & (decade <= _HIGHEST - _LOWEST)
    shift = np.where(ordinary, 9 - (decade + _LOWEST), 0)
    up, down = _EXACT[np.maximum(shift, 0)], _EXACT[np.maximum(-shift, 0)]
    with np.errstate(over="ignore"):
        scaled = values * up / down
    rounded: FloatArray = np.asarray(np.rint(scaled) * down / up + 0.0)
    # Multiplying may move a value onto a tie that it was not on; these few go the exact way.
    exact_way = ~ordinary | (np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < _NEAR_A_TIE)
    rounded[exact_way] = [round_score(value) for value in values[exact_way]]
    return rounded
