"""What an encoder's vectors tell: the subject, the age, and what was planted; each by child.

Nothing here knows encoders: a view is an array of numbers, a row a drawing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deepmed.kit import seeds
from deepmed.learning.detectors import make_detector
from deepmed.learning.detectors.folds import Folds, Ranks
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import (
    Interval,
    auroc_interval,
    mean_interval,
    paired_difference_interval,
    rank_correlation,
    share_interval,
)
from deepmed.learning.evaluation.bootstrap import (
    child_codes,
    enough_children,
    percentile_bounds,
    resampled_statistic,
)

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

FOLDS = 5
DETECTOR = "knn"
"""The simplest detector scores every view, so that only the views differ."""
ALPHAS = tuple(10.0**power for power in range(-1, 6))
NEAREST = "each drawing against those of all other children"
HELD_OUT = "children held out, fold by fold"


def same_subject(view: Floats, children: Ids, subjects: Ids) -> NDArray[np.bool_]:
    """(n,) whether the nearest drawing of another child shows the same subject."""
    deviation = view.std(axis=0)
    scaled = (view - view.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    squares = np.square(scaled).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * scaled @ scaled.T
    distances[children[:, None] == children[None, :]] = np.inf
    found: NDArray[np.bool_] = subjects[distances.argmin(axis=1)] == subjects
    return found


def ages_told(view: Floats | None, children: Ids, ages: Floats, seed: int) -> Floats:
    """(n,) ages by ridge regression on other folds' children; their median where there is no view.

    How much the regression is held back is chosen inside the other folds.
    """
    of = _folds(children, seed)
    told = np.empty(len(ages))
    for fold in range(int(of.max()) + 1):
        held = of == fold
        if view is None:
            told[held] = np.median(ages[~held])
            continue
        model = make_pipeline(StandardScaler(), RidgeCV(ALPHAS))
        told[held] = model.fit(view[~held], ages[~held]).predict(view[held])
    return told


def correlation_interval(told: Floats, ages: Floats, children: Ids, seed: int) -> Interval:
    """Rank correlation of told and true ages with a child-bootstrap interval.

    Raises:
        InsufficientDataError: too few children, or one of the rows is constant.
    """
    codes, n = child_codes(children.tolist(), len(ages))
    enough_children(n, "ages")
    estimate = rank_correlation(told, ages)

    def statistic(drawn: Floats) -> Floats:
        return np.array([_correlation(told, ages, times[codes].astype(int)) for times in drawn])

    low, high = percentile_bounds(resampled_statistic(statistic, n, len(ages), seed, 1000), 0.95)
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        level=0.95,
        method="child bootstrap, 1000 resamples",
        unit="child",
        sample_size=n,
        n_items=len(ages),
        split=HELD_OUT,
    )


@dataclass(frozen=True)
class OneClass:
    """Drawings of held-out children against anomalies planted into them."""

    folds: Folds
    seed: int

    def ranks(self, drawings: Floats, planted: Floats) -> Ranks:
        return self.folds.rank(
            lambda fold: make_detector(DETECTOR, seed=(self.seed + fold) % 2**31),
            drawings,
            planted,
        )

    def interval(self, ranks: Ranks) -> Interval:
        return auroc_interval(
            ranks.negative,
            ranks.positive,
            self.folds.children,
            self.folds.planted_children,
            self.seed,
            split=HELD_OUT,
        )

    def difference(self, first: Ranks, second: Ranks, level: float) -> Interval:
        return paired_difference_interval(
            (first.negative, first.positive),
            (second.negative, second.positive),
            self.folds.children,
            self.folds.planted_children,
            self.seed,
            level=level,
            split=HELD_OUT,
        )


def share(flags: NDArray[np.bool_], children: Ids, seed: int) -> Interval:
    return share_interval(flags, children.tolist(), seed, split=NEAREST)


def mean(
    values: Floats, children: Ids, seed: int, split: str = HELD_OUT, level: float = 0.95
) -> Interval:
    return mean_interval(values, children.tolist(), seed, level=level, split=split)


def known(figure: Callable[[], Interval]) -> Interval | None:
    """None where too few children, or nothing to compare, leave no figure."""
    try:
        return figure()
    except InsufficientDataError:
        return None


def _folds(children: Ids, seed: int) -> Ids:
    """(n,) the fold of each drawing; a child's drawings are in one."""
    people, codes = np.unique(children, return_inverse=True)
    order = seeds.generator(seed, "encoders", "folds").permutation(len(people))
    fold = np.empty(len(people), dtype=np.int64)
    fold[order] = np.arange(len(people)) % min(FOLDS, len(people))
    found: Ids = fold[codes]
    return found


def _correlation(told: Floats, ages: Floats, times: NDArray[np.int64]) -> float:
    drawn = np.repeat(np.arange(len(ages)), times)
    try:
        return rank_correlation(told[drawn], ages[drawn])
    except InsufficientDataError:
        return float("nan")
