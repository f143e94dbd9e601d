"""The same figures for parts of the people: sex, age, view (X-15)."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children
from deepmed.learning.evaluation.binary.cases import BoolArray, Cases
from deepmed.learning.evaluation.binary.figures import UNIT, Figure, Settings, plural
from deepmed.learning.evaluation.binary.reliability import BINS
from deepmed.learning.evaluation.binary.report import binary_figures
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED

MINIMUM_PATIENTS = 10
"""Of each class; a smaller part has counts and no figures: they would be about persons."""
NOT_GIVEN = "not given"
AGES = ((18, "0-17"), (40, "18-39"), (65, "40-64"))
OLDEST = "65+"
_MOST_VALUES = 20
_AGE = re.compile(r"\s*(\d{1,3})(?:\.\d+)?\s*\+?\s*([YMWD]?)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Subgroup:
    """One part of the people.

    `figures` are those of `evaluate_binary`; empty with a `reason` where the part is too small.

    >>> Subgroup(attribute="sex", value="F", n_items=3, n_patients=3, n_negative=3, n_positive=0,
    ...          figures={}, reason="Too few.").figures
    {}
    """

    attribute: str
    value: str
    n_items: int
    n_patients: int
    n_negative: int
    n_positive: int
    figures: Mapping[str, Figure]
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        figures = {name: figure.to_dict() for name, figure in self.figures.items()}
        return {**vars(self), "figures": figures}


def subgroup_table(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Children,
    threshold: float,
    attributes: Mapping[str, Sequence[Hashable]],
    *,
    prevalence: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
    minimum: int = MINIMUM_PATIENTS,
    level: float = 0.95,
    split: str = NOT_STATED,
    unit: str = UNIT,
) -> tuple[Subgroup, ...]:
    """Evaluate each part of the people that has enough patients of both classes.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.
        patients: (n,) hashable id of each image's patient.
        threshold: The one for everybody.
        attributes: By name, (n,) values; None and blank texts count as not given. Values that are
            all ages (a name that begins with "age") are put into bands.
        prevalence: As in `evaluate_binary`.
        resamples: Bootstrap resamples.
        seed: Seed of the run.
        minimum: Patients of each class that a part must have.
        level: Confidence level.
        split: Which images these are.
        unit: What an entry of `patients` stands for.

    Returns:
        A row a value of each attribute, as they were given and sorted; an attribute with more than
        twenty values makes no parts and is left out.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> rows = subgroup_table([0, 1] * 20, [0.2, 0.9] * 20, range(40), 0.5,
    ...                       {"sex": ["F"] * 30 + ["M"] * 10}, resamples=50)
    >>> [(row.value, row.n_patients, row.reason) for row in rows]
    [('F', 30, None), ('M', 10, 'It has 5 patients with and 5 without; 10 of each are needed.')]
    """
    cases = Cases.of(labels, probabilities, patients)
    settings = Settings(resamples=resamples, seed=seed, level=level, split=split, unit=unit)
    return tuple(
        Subgroup(
            attribute=name,
            value=value,
            **_measured(cases.part(chosen), threshold, prevalence, minimum, settings),
        )
        for name, values in attributes.items()
        for value, chosen in _parts(name, values, len(cases))
    )


def age_band(age: Hashable) -> str:
    """The band of an age in years, in DICOM's way of writing one, or of all from an age on.

    >>> [age_band(age) for age in (17, "40", "071Y", "006M", "90+", "", "old")]
    ['0-17', '40-64', '65+', '0-17', '65+', 'not given', 'not given']
    """
    found = _AGE.fullmatch(str(age))
    if not found:
        return NOT_GIVEN
    years = int(found[1]) if found[2].upper() in {"", "Y"} else 0
    return next((band for below, band in AGES if years < below), OLDEST)


def _parts(name: str, values: Sequence[Hashable], n_items: int) -> Iterator[tuple[str, BoolArray]]:
    if len(values) != n_items:
        raise EvaluationError(f"{n_items} images were given with {len(values)} values of {name}.")
    is_age = name.lower().startswith("age")
    texts = np.array([age_band(value) if is_age else _text(value) for value in values])
    kinds = np.unique(texts).tolist()
    if len(kinds) <= _MOST_VALUES:
        yield from ((kind, texts == kind) for kind in kinds)


def _text(value: Hashable) -> str:
    return NOT_GIVEN if value is None else str(value).strip() or NOT_GIVEN


def _measured(
    cases: Cases,
    threshold: float,
    prevalence: float | None,
    minimum: int,
    settings: Settings,
) -> dict[str, Any]:
    positive = cases.positive
    with_it, without = cases.patients_among(positive), cases.patients_among(~positive)
    enough = min(with_it, without) >= minimum
    called = cases.scores >= threshold
    return {
        "n_items": len(cases),
        "n_patients": cases.n_patients,
        "n_negative": int((~positive).sum()),
        "n_positive": int(positive.sum()),
        "figures": binary_figures(cases, called, prevalence, BINS, settings) if enough else {},
        "reason": None
        if enough
        else f"It has {with_it} {plural(settings.unit)} with and {without} without; {minimum} of "
        "each are needed.",
    }
