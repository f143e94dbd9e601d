"""Resampling of children: drawings of one child are not new data, so they go together.

Source: cluster bootstrap, percentile interval (Efron and Tibshirani 1993; Field and Welsh, JRSS B
69, 2007). Children are numbered in the order of first appearance; each resample draws as many
children as there are, with replacement, from one stream; a resample that says nothing (it lacks a
class) is drawn again.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.kit.seeds import generator
from deepmed.learning.calibration.children import Children, CodeArray, child_list, encode_children
from deepmed.learning.calibration.errors import ScoreNormalizationError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.errors import EvaluationError

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]

MINIMUM_CHILDREN = 5
"""Fewer children than this carry no interval: they give no answer, with this reason."""

_NUMBERS_AT_ONCE = 2_000_000


def resampled_statistic(
    statistic: Statistic, n_children: int, n_items: int, seed: int, resamples: int
) -> FloatArray:
    """The statistic of each resample.

    Args:
        statistic: From (r, n_children) how often each child was drawn to (r,) values; NaN where
            a resample says nothing.
        n_children: How many children there are.
        n_items: Drawings that the statistic looks at (bounds the memory of a step).
        seed: Seed of the run.
        resamples: How many values are wanted.

    Returns:
        (resamples,) values.

    >>> resampled_statistic(lambda drawn: drawn.sum(axis=1), 7, 7, 0, 3).tolist()
    [7.0, 7.0, 7.0]
    """
    random = generator(seed, "child-bootstrap")
    rows_at_once = max(1, _NUMBERS_AT_ONCE // max(n_children, n_items))
    values = np.empty(0)
    while len(values) < resamples:
        rows = min(rows_at_once, resamples - len(values))
        drawn = random.integers(0, n_children, (rows, n_children))
        cells = drawn + n_children * np.arange(rows)[:, None]
        times = np.bincount(cells.ravel(), minlength=rows * n_children)
        step = statistic(times.reshape(rows, n_children).astype(np.float64))
        values = np.append(values, step[~np.isnan(step)])
    return values


def percentile_bounds(values: FloatArray, level: float) -> tuple[float, float]:
    """The middle `level` of the values.

    >>> percentile_bounds(np.arange(101.0), 0.5)
    (25.0, 75.0)
    """
    if not 0 < level < 1:
        raise EvaluationError(f"A confidence level lies between 0 and 1, not {level}.")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def finite(values: ArrayLike, name: str) -> FloatArray:
    """A one-dimensional array of finite numbers.

    Raises:
        EvaluationError: It has another shape, or a value is not finite.
        InsufficientDataError: It is empty.

    >>> finite([1, 2], "scores").tolist()
    [1.0, 2.0]
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise EvaluationError(f"The {name} must be a row of finite numbers.")
    if not len(array):
        raise InsufficientDataError(f"There are no {name}, so there is no figure.")
    return array


def child_codes(children: Children, n_items: int) -> tuple[CodeArray, int]:
    """The number of each item's child, and how many children there are.

    Raises:
        EvaluationError: Not every item has a child.

    >>> child_codes(["b", "a", "b"], 3)
    (array([0, 1, 0]), 2)
    """
    ids = child_list(children)
    if len(ids) != n_items:
        raise EvaluationError(f"{n_items} values were given with {len(ids)} child ids.")
    try:
        codes, numbers = encode_children(ids)
    except ScoreNormalizationError as error:
        raise EvaluationError(str(error)) from error
    return codes, len(numbers)


def enough_children(n: int, name: str) -> None:
    """Refuse an interval over too few children.

    Raises:
        InsufficientDataError: There are fewer than `MINIMUM_CHILDREN`.

    >>> enough_children(5, "positive drawings")
    """
    if n < MINIMUM_CHILDREN:
        raise InsufficientDataError(
            f"The {name} come from {n} children; an interval needs at least {MINIMUM_CHILDREN}."
        )
