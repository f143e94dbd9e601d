"""From resampled values to bounds, by the kind of figure.

The percentile interval of the bootstrap promises too much where a share is close to 0 or 1, and
where all resamples agree; what stands in there is said in words beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deepmed.learning.evaluation.auroc_bounds import (
    ALL_AGREE,
    NEAR_THE_ENDS,
    NO_WIDTH,
    Bounds,
    auroc_bounds,
    unseen_bounds,
)
from deepmed.learning.evaluation.binary.resampling import predictive_values
from deepmed.learning.evaluation.bootstrap import FloatArray, percentile_bounds
from deepmed.learning.evaluation.shares import wilson_bounds

Kind = Literal["share", "auroc", "ppv_at_prevalence", "npv_at_prevalence", "other"]

WIDENED = ", widened to the Wilson interval over patients"
SCATTER = ", less what scatter alone adds"
BY_PARTS = ", widened to the Wilson intervals of sensitivity and specificity"


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a figure rests on, and how its bounds are made.

    >>> Basis(kind="share", n_units=5, n_items=9, missing="There is no positive image.").n_units
    5
    """

    kind: Kind
    n_units: int
    """Patients whose images it looks at; of the class with fewer, where it needs both."""
    n_items: int
    missing: str
    """Why it is undefined, where it is."""
    n_by_class: tuple[int, int] = (0, 0)
    """Patients with negatives, patients with positives."""
    n_negative: int | None = None
    n_positive: int | None = None
    noise: str | None = None
    """For a mean distance: the name of what it would be by scatter alone."""
    prevalence: float = float("nan")
    """The stated one, where the figure depends on it."""
    lowest: float = 0.0
    """The least that the figure can be."""
    highest: float = 1.0
    """The most that it can be."""


def bounds_of(
    basis: Basis,
    estimate: float,
    resampled: FloatArray,
    level: float,
    *,
    estimates: Mapping[str, float],
    noise: FloatArray | None = None,
) -> tuple[Bounds, str]:
    """The bounds of a figure, and what was done beside resampling, in words.

    Args:
        basis: What it rests on.
        estimate: The figure itself.
        resampled: (r,) its value in each resample of patients.
        level: Confidence level.
        estimates: All figures of the sample.
        noise: (r,) of a mean distance, what it would be by scatter alone.

    >>> basis = Basis(kind="share", n_units=20, n_items=20, missing="")
    >>> (low, high), beside = bounds_of(basis, 1.0, np.ones(9), 0.95, estimates={})
    >>> round(low, 4), high, beside
    (0.8389, 1.0, '; Wilson bound where all agree')
    """
    if basis.kind == "auroc":
        return auroc_bounds(estimate, resampled, basis.n_by_class, level)
    low, high = percentile_bounds(resampled, level)
    if basis.kind in {"ppv_at_prevalence", "npv_at_prevalence"} and _parts_near_the_ends(estimates):
        least, most = _by_parts(basis, estimates, level)
        return (min(low, least), max(high, most)), BY_PARTS
    if high - low <= NO_WIDTH:
        ends = {"lowest": basis.lowest, "highest": basis.highest}
        return unseen_bounds(estimate, basis.n_units, **ends, level=level), ALL_AGREE
    if basis.kind == "share" and _near_the_ends(estimate):
        least, most = wilson_bounds(estimate, basis.n_units, level)
        return (min(low, least), max(high, most)), WIDENED
    if noise is not None:
        return _of_distance(estimate, low, noise, level), SCATTER
    return (low, high), ""


def _near_the_ends(estimate: float) -> bool:
    return not NEAR_THE_ENDS[0] <= estimate <= NEAR_THE_ENDS[1]


def _of_distance(estimate: float, low: float, noise: FloatArray, level: float) -> Bounds:
    """Bounds of a mean of distances, which resampling makes larger than they are.

    Scatter only ever adds to distances, so resamples lie above the estimate as that lies above the
    truth, and their percentiles may all miss it. By the triangle inequality the truth is below the
    estimate by the mean distance of scatter alone at most; above, the bound is the estimate's
    mirror image of the resamples' lower one (the basic interval of Davison and Hinkley, Bootstrap
    methods and their application, 1997, section 5.2).
    """
    scatter = float(np.quantile(noise, (1 + level) / 2))
    return max(0.0, estimate - scatter), max(estimate, 2 * estimate - low)


def _parts_near_the_ends(estimates: Mapping[str, float]) -> bool:
    return any(_near_the_ends(estimates[name]) for name in ("sensitivity", "specificity"))


def _by_parts(basis: Basis, estimates: Mapping[str, float], level: float) -> Bounds:
    """PPV or NPV where sensitivity and specificity are both as low, or both as high, as can be."""
    negatives, positives = basis.n_by_class
    specificity = np.array(wilson_bounds(estimates["specificity"], negatives, level))
    sensitivity = np.array(wilson_bounds(estimates["sensitivity"], positives, level))
    ends = predictive_values(sensitivity, specificity, basis.prevalence)
    least, most = ends[basis.kind].tolist()
    return least, most
