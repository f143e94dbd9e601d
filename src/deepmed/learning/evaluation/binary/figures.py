"""A figure with its interval, or the reason why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deepmed.learning.evaluation.binary.bounds import Basis, bounds_of
from deepmed.learning.evaluation.binary.resampling import Resampled
from deepmed.learning.evaluation.bootstrap import (
    MINIMUM_CHILDREN,
    FloatArray,
    resampled_statistics,
)
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED, Interval

UNIT = "patient"
"""Unless the caller says what is drawn: an image, where nobody knows whose it is."""
MOST_DRAWS = 4
"""A figure that fewer than one in so many resamples defines has no interval."""


def plural(unit: str) -> str:
    """Several of a unit.

    >>> plural("patient or image")
    'patients or images'
    """
    return " or ".join(f"{one}s" for one in unit.split(" or "))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How intervals are made.

    >>> Settings().resamples
    1000
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    split: str = NOT_STATED
    unit: str = UNIT
    """What is drawn, and counted as the sample."""

    def __post_init__(self) -> None:
        """Refuse what gives no interval."""
        if self.resamples < 1 or not 0 < self.level < 1:
            raise EvaluationError(
                f"An interval needs a resample at least and a level between 0 and 1, not "
                f"{self.resamples} and {self.level}."
            )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An estimate with its interval over patients; None where undefined, with the reason.

    >>> Figure(reason="There is no positive image.").estimate is None
    True
    """

    estimate: float | None = None
    interval: Interval | None = None
    """None also where there is an estimate, but too few patients for an interval."""
    reason: str | None = None
    basis: Mapping[str, Any] = field(default_factory=dict)
    """On how many patients and images, of which split, it rests, where there is no interval."""

    @property
    def low(self) -> float | None:
        """Lower bound."""
        return self.interval.low if self.interval else None

    @property
    def high(self) -> float | None:
        """Upper bound."""
        return self.interval.high if self.interval else None

    def wholly_above(self, value: float) -> bool:
        """Whether the whole interval lies above a value; False where there is none."""
        return self.interval is not None and self.interval.wholly_above(value)

    def to_dict(self) -> dict[str, Any]:
        """All that is known of it, ready for JSON; the same names whether or not it is defined.

        >>> Figure(reason="Few.", basis={"sample_size": 3}).to_dict()["sample_size"]
        3
        """
        known = (
            self.interval.to_dict() if self.interval else {**dict.fromkeys(_FIELDS), **self.basis}
        )
        return {**known, "estimate": self.estimate, "reason": self.reason}


_FIELDS = (
    "low", "high", "level", "method", "unit", "sample_size", "n_items", "n_negative",
    "n_positive", "split", "n_children",
)  # fmt: skip


def figures_of(
    sample: Resampled, bases: Mapping[str, Basis], n_patients: int, settings: Settings
) -> dict[str, Figure]:
    """Estimate, interval and reason of each figure of a sample.

    Args:
        sample: The figures as functions of how often each patient was drawn.
        bases: What each figure rests on, by its name.
        n_patients: How many patients there are.
        settings: How intervals are made.

    Returns:
        By name, in the order of `bases`.
    """
    once = sample.values(np.ones((1, n_patients)))
    estimates = {name: float(once[name][0]) for name in bases}
    wanted = [
        name
        for name, basis in bases.items()
        if not np.isnan(estimates[name]) and basis.n_units >= MINIMUM_CHILDREN
    ]
    values = _resampled(sample, wanted, bases, n_patients, settings) if wanted else {}
    return {name: _figure(name, estimates, values, bases[name], settings) for name in bases}


def _resampled(
    sample: Resampled,
    wanted: list[str],
    bases: Mapping[str, Basis],
    n_patients: int,
    settings: Settings,
) -> dict[str, FloatArray]:
    noises = [bases[name].noise for name in wanted]
    names = [*wanted, *(noise for noise in noises if noise)]

    def statistics(drawn: FloatArray) -> FloatArray:
        found = sample.values(drawn)
        return np.stack([found[name] for name in names], axis=1)

    columns = resampled_statistics(
        statistics,
        n_patients,
        max(bases[name].n_items for name in wanted),
        settings.seed,
        settings.resamples,
        most=MOST_DRAWS * settings.resamples,
    )
    return dict(zip(names, columns, strict=True))


def _figure(
    name: str,
    estimates: Mapping[str, float],
    values: Mapping[str, FloatArray],
    basis: Basis,
    settings: Settings,
) -> Figure:
    estimate, resampled = estimates[name], values.get(name)
    rests = _rests(basis, settings)
    if np.isnan(estimate):
        return Figure(reason=basis.missing, basis=rests)
    if resampled is None:
        return Figure(
            estimate=estimate,
            reason=f"It rests on {basis.n_units} {plural(settings.unit)}; an interval needs "
            f"{MINIMUM_CHILDREN}.",
            basis=rests,
        )
    if len(resampled) < settings.resamples:
        return Figure(
            estimate=estimate,
            reason=f"Most resamples of the {plural(settings.unit)} leave it undefined.",
            basis=rests,
        )
    noise = values[basis.noise] if basis.noise else None
    (low, high), beside = bounds_of(
        basis, estimate, resampled, settings.level, estimates=estimates, noise=noise
    )
    return Figure(
        estimate=estimate,
        interval=Interval(
            estimate=estimate,
            low=low,
            high=high,
            level=settings.level,
            method=f"{settings.unit} bootstrap, {settings.resamples} resamples{beside}",
            **rests,
        ),
    )


def _rests(basis: Basis, settings: Settings) -> dict[str, Any]:
    return {
        "unit": settings.unit,
        "sample_size": basis.n_units,
        "n_items": basis.n_items,
        "n_negative": basis.n_negative,
        "n_positive": basis.n_positive,
        "split": settings.split,
    }
