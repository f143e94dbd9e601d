"""Standardisation of embeddings, with an answer for dimensions that hardly ever vary."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

FloatArray = npt.NDArray[np.float64]

# Share of the typical dimension's deviation below which no dimension's own deviation counts.
SCALE_FLOOR = 0.1
# Largest deviation counted, in units of the square root of the number of rows (plus one).
LIMIT_FACTOR = 2.0
# Variance of a category's slots in units of all other columns': 64 slots beside 768 columns.
SLOTS_SHARE = 64 / 768
SLOTS_RULE = (
    "in standardised units the subject's slot is the square root of 64/768 of the variance of all "
    "columns of the vector together, and every other slot 0"
)


@dataclass(frozen=True)
class Standardization:
    """Deviations from the mean in units of each dimension's own deviation, within bounds.

    A dimension that is (nearly) constant among few training drawings, an empty corner of the page
    or a subject nobody drew, is not meaningless: something there is unusual. But how unusual, a
    few equal rows cannot say. Dividing by their tiny deviation would let that one dimension
    outshout all others; dividing by 1, as is common, would weigh it by whatever unit the encoder
    happens to use. Two bounds answer this, whatever the units:

    1. A scale is held above ``SCALE_FLOOR`` of the *median* deviation of the dimensions that vary;
       the median, so that one column in another unit (the age) does not move it.
    2. A deviation u becomes u / √(1 + u²/limit²), nearly u while it is small and never above the
       limit of ``LIMIT_FACTOR`` · √(n + 1): among n rows none can lie further out than √(n - 1)
       of their deviations, so n rows cannot tell a larger deviation from that one.

    Columns that are the slots of one category (a one-hot vector) are one quantity, not many, and
    have one scale: their own deviations would make whatever few drew outshout the picture, and what
    nobody drew even more. In standardised units the 1 becomes √(V/12), V being the variance of all
    other columns together among the rows. The slots' own variance, (1 - Σ share²) · V/12, is then
    never above 64/768 of V, the share that 64 of 832 columns have if each weighs the same; two
    different categories always lie the same way apart, also one that no row has.

    Attributes:
        mean: Shape (D,), in the unit of the rows.
        scale: Shape (D,), positive, in the unit of the rows.
        limit: Shape (1,), positive, without unit.

    Example:
        >>> rows = np.array([[0.0, 4.0, 7.0], [2.0, 8.0, 7.0]])
        >>> Standardization.fit(rows).scale.round(3).tolist()
        [1.0, 2.0, 0.15]
        >>> Standardization.fit(rows).apply(np.array([[1.0, 6.1, 1e9]])).round(2).tolist()
        [[0.0, 0.05, 3.46]]
    """

    mean: FloatArray
    scale: FloatArray
    limit: FloatArray

    @classmethod
    def fit(cls, rows: FloatArray, slots: int = 0) -> Self:
        """Learn mean, scale and limit.

        Args:
            rows: Shape (n, D).
            slots: So many columns, the last ones, are the slots of one category.

        Example:
            >>> rows = np.array([[0.0, 1.0, 0.0, 0.0], [2.0, 0.0, 1.0, 0.0]] * 6)
            >>> (1 / Standardization.fit(rows, slots=3).scale[1:] ** 2).round(4).tolist()
            [0.0833, 0.0833, 0.0833]
        """
        mean = rows.mean(axis=0)
        limit = np.array([LIMIT_FACTOR * np.sqrt(len(rows) + 1)])
        deviation = np.sqrt(np.mean((rows - mean) ** 2, axis=0))
        others = len(mean) - slots
        scale = _floored(deviation[:others], mean[:others])
        return cls(mean, np.append(scale, _slot_scales(deviation[:others] / scale, slots)), limit)

    def apply(self, rows: FloatArray) -> FloatArray:
        """Standardise rows of shape (..., D)."""
        deviations = (rows - self.mean) / self.scale
        standardized: FloatArray = deviations / np.hypot(1.0, deviations / self.limit)
        return standardized

    def apply_tensor(self, rows: Tensor) -> Tensor:
        """The same for float64 rows, differentiably."""
        mean, scale = (torch.from_numpy(part).to(rows.device) for part in (self.mean, self.scale))
        deviations = (rows - mean) / scale
        return deviations / torch.sqrt(1.0 + (deviations / float(self.limit[0])) ** 2)


def _slot_scales(deviation: FloatArray, slots: int) -> FloatArray:
    """One scale for all slots, from the standardised deviations of the other columns."""
    variance = float(np.sum(deviation**2))
    return np.full(slots, 1 / np.sqrt(SLOTS_SHARE * variance) if variance else 1.0)


def _floored(deviation: FloatArray, mean: FloatArray) -> FloatArray:
    """Deviations held above the floor; 1 where no dimension varies."""
    # Rounding of the mean leaves a constant column a deviation of some 1e-16 of its value.
    varies = deviation > np.finfo(np.float32).eps * np.abs(mean)
    if not varies.any():
        return np.ones_like(deviation)
    return np.maximum(deviation, SCALE_FLOOR * float(np.median(deviation[varies])))
