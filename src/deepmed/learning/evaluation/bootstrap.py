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

_NUMBERS_AT_ONCE = 100_000
"""Some of these blocks stay in a processor's cache; larger ones took twice as long."""


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

    def column(drawn: FloatArray) -> FloatArray:
        return statistic(drawn)[:, None]

    (values,) = resampled_statistics(column, n_children, n_items, seed, resamples)
    return values


def resampled_statistics(
    statistics: Statistic,
    n_children: int,
    n_items: int,
    seed: int,
    resamples: int,
    *,
    most: int | None = None,
) -> list[FloatArray]:
    """Several statistics of the same resamples.

    Args:
        statistics: From (r, n_children) how often each child was drawn to (r, k) values; NaN where
            a resample says nothing about one of them.
        n_children: How many children there are.
        n_items: Drawings that the statistics look at.
        seed: Seed of the run.
        resamples: How many values of each are wanted.
        most: How often to draw at most; None for as often as it takes.

    Returns:
        k rows, each the first `resamples` values of one statistic, or fewer where `most` draws
        did not give so many.

    >>> both = lambda drawn: np.stack([drawn[:, 0], np.full(len(drawn), np.nan)], axis=1)
    >>> [len(values) for values in resampled_statistics(both, 7, 7, 0, 3, most=9)]
    [3, 0]
    """
    random = generator(seed, "child-bootstrap")
    rows_at_once = max(1, _NUMBERS_AT_ONCE // max(n_children, n_items))
    steps: list[FloatArray] = []
    tries = fewest = 0
    while fewest < resamples and (most is None or tries < most):
        left = resamples - fewest if most is None else min(resamples - fewest, most - tries)
        drawn = times_drawn(random, min(rows_at_once, left), n_children)
        tries += len(drawn)
        steps.append(statistics(drawn))
        fewest += int((~np.isnan(steps[-1])).sum(axis=0).min())
    together = np.concatenate(steps)
    return [column[~np.isnan(column)][:resamples] for column in together.T]


def times_drawn(random: np.random.Generator, rows: int, n_children: int) -> FloatArray:
    """How often each child is drawn in each of some resamples.

    Args:
        random: The stream.
        rows: Resamples.
        n_children: How many children there are.

    Returns:
        (rows, n_children) whole numbers that sum to `n_children` in each row.

    >>> times_drawn(np.random.default_rng(0), 2, 5).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    drawn = random.integers(0, n_children, (rows, n_children))
    cells = drawn + n_children * np.arange(rows)[:, None]
    times = np.bincount(cells.ravel(), minlength=rows * n_children)
    return times.reshape(rows, n_children).astype(np.float64)


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
