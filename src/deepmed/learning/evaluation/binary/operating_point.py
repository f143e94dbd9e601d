"""What validation fixes once and for all, before the test part is opened (X-15)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary.abstention import PERCENTILE, Abstention, Answer
from deepmed.learning.evaluation.binary.cases import class_labels, patient_codes
from deepmed.learning.evaluation.binary.probabilities import (
    calibrated,
    fit_temperature,
    fit_temperature_and_offsets,
)
from deepmed.learning.evaluation.binary.threshold import youden_threshold
from deepmed.learning.evaluation.bootstrap import FloatArray

UNCHANGED = 1.0
MIDDLE = 0.5
NOT_UNDONE = (
    "Training weighted classes, and nothing undoes it: probabilities are not calibrated, those of "
    "a class that had more say than its share of images are too high."
)


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Calibration, threshold and abstention, as they are kept with a model.

    >>> logits = [-2.0, -1.0, 0.5, -0.5, 1.0, 2.0]
    >>> point = OperatingPoint.fit(logits, [0, 0, 0, 1, 1, 1], range(6))
    >>> round(point.temperature, 3), round(point.threshold, 3), point.notes
    (0.74, 0.271, ())
    """

    temperature: float
    threshold: float | None
    """From which on the decision is class 1; None with several classes."""
    shares: tuple[float, ...]
    """Of each class among validation's images: what probabilities are calibrated for."""
    abstention: Abstention
    n_items: int
    n_patients: int
    notes: tuple[str, ...]
    """What validation could not say, and what stands in for it."""
    classes_weighted: bool = False
    """Whether training gave classes another say than their share of images, which moves what a
    network says of each."""
    offsets: tuple[float, ...] = ()
    """What is added to logits after they were divided by the temperature, which undoes that; one
    number for two classes, else one a class. Empty: nothing is."""

    @classmethod
    def fit(
        cls,
        logits: ArrayLike,
        labels: ArrayLike,
        patients: Children,
        percentile: float = PERCENTILE,
        *,
        classes_weighted: bool = False,
    ) -> Self:
        """Learn it from validation.

        Where no temperature is best, the logits stay as they are; where no threshold is better than
        chance, it is 0.5. `notes` says so.

        Args:
            logits: (n,) of class 1, or (n, classes).
            labels: (n,) class numbers.
            patients: (n,) hashable id of each image's patient.
            percentile: See `Abstention`.
            classes_weighted: Whether training weighted classes; offsets are fitted as well then.

        Raises:
            InsufficientDataError: There are no images.
            EvaluationError: Lengths differ, or a value is none of its kind.
        """
        notes: list[str] = []
        temperature, offsets = (
            _weighted(logits, labels, notes)
            if classes_weighted
            else (_or_else(lambda: fit_temperature(logits, labels), UNCHANGED, notes), ())
        )
        chances = calibrated(logits, temperature, offsets)
        binary = chances.ndim == 1
        threshold = (
            _or_else(lambda: youden_threshold(labels, chances), MIDDLE, notes) if binary else None
        )
        n_classes = 2 if binary else chances.shape[1]
        truth = class_labels(labels, n_classes)
        return cls(
            temperature=temperature,
            threshold=threshold,
            shares=tuple((np.bincount(truth, minlength=n_classes) / len(truth)).tolist()),
            abstention=Abstention.fit(truth, chances, patients, percentile),
            n_items=len(truth),
            n_patients=patient_codes(patients, len(truth))[1],
            notes=tuple(notes),
            classes_weighted=classes_weighted,
            offsets=offsets,
        )

    @property
    def is_calibrated(self) -> bool:
        """Whether probabilities are for classes as frequent as `shares` says.

        >>> OperatingPoint.fit([-1.0, 1.0], [0, 1], "ab", classes_weighted=True).is_calibrated
        False
        """
        return bool(self.offsets) or not self.classes_weighted

    def probabilities(self, logits: ArrayLike) -> FloatArray:
        """Calibrated probabilities, (n,) of class 1 or (n, classes).

        Raises:
            EvaluationError: A logit is not finite.
        """
        return calibrated(logits, self.temperature, self.offsets)

    def answer(self, probability: ArrayLike) -> Answer:
        """What is said of one image.

        Args:
            probability: Calibrated; of class 1, or one of each class.
        """
        if self.threshold is None:
            return self.abstention.answer_classes(probability)
        return self.abstention.answer(float(np.asarray(probability)), self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's own types; it names nobody.

        >>> point = OperatingPoint.fit([-1.0, 1.0, 0.5], [0, 1, 0], range(3))
        >>> OperatingPoint.from_dict(point.to_dict()) == point
        True
        """
        return {
            **vars(self),
            "shares": list(self.shares),
            "abstention": self.abstention.to_dict(),
            "notes": list(self.notes),
            "offsets": list(self.offsets),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The point that `to_dict` made this of.

        Raises:
            KeyError: The abstention is missing.
            TypeError: Another part is.
        """
        return cls(
            **{
                **stored,
                "shares": tuple(stored["shares"]),
                "abstention": Abstention.from_dict(stored["abstention"]),
                "notes": tuple(stored["notes"]),
                "offsets": tuple(stored.get("offsets", ())),
            }
        )


def _weighted(
    logits: ArrayLike, labels: ArrayLike, notes: list[str]
) -> tuple[float, tuple[float, ...]]:
    try:
        return fit_temperature_and_offsets(logits, labels)
    except InsufficientDataError as error:
        notes.append(f"{error} {NOT_UNDONE}")
        return UNCHANGED, ()


def _or_else(fit: Callable[[], float], otherwise: float, notes: list[str]) -> float:
    try:
        return fit()
    except InsufficientDataError as error:
        notes.append(f"{error} It is {otherwise:g}.")
        return otherwise
