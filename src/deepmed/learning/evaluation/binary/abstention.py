"""When no answer is given: conformal sets of classes, calibrated by patient (X-17, V-9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration import CalibrationSet, round_score
from deepmed.learning.calibration.children import Children
from deepmed.learning.evaluation.binary.cases import class_labels, patient_codes, shares_of_one
from deepmed.learning.evaluation.bootstrap import FloatArray
from deepmed.learning.evaluation.errors import EvaluationError

PERCENTILE = 90.0
"""Of each class's images, so many per cent keep their class possible unless stated otherwise."""


@dataclass(frozen=True)
class Answer:
    """What is said about one image.

    >>> Answer(1, (1,), None).abstains
    False
    """

    decision: int
    """The class that the threshold, or the largest probability, decides for."""
    possible: tuple[int, ...]
    """Classes that validation's images of the class do not rule out."""
    reason: str | None
    """Why there is no answer; None where there is one."""

    @property
    def abstains(self) -> bool:
        """Whether no answer is given."""
        return self.reason is not None


@dataclass(frozen=True)
class Abstention:
    """An answer is given only where the decided class, and no other, is possible.

    A class is possible while the image's probability of it is not unusually low among validation
    images of that class. Were those patients and a new one alike, and looked at for nothing else,
    at most `100 - percentile` per cent of a new patient's images of the class would lose it, on
    average over such sets of patients, whatever the model is worth. Here the same validation also
    chose the epoch, the calibration and the threshold, so that its own images look a little more
    probable than new ones: the share is nearly that, not at most that, and none is promised for
    patients of another place. A class with too few patients to say so (9 for 90) stays possible
    for every image. Source: class-conditional conformal prediction, Vovk, Gammerman
    and Shafer, Algorithmic Learning in a Random World, 2005, section 4.5; by patient as in
    `CalibrationSet`.

    Attributes:
        cuts: Of each class, the largest 1 - probability with which it stays possible; None where
            it always does.
        n_patients: Patients with images of each class.
        percentile: Per cent of a class's images that keep it.

    >>> rule = Abstention.fit([0, 1] * 20, [0.2, 0.9] * 20, range(40))
    >>> rule.cuts, rule.answer(0.95, 0.5).abstains, rule.answer(0.6, 0.5).possible
    ((0.2, 0.1), False, ())
    """

    cuts: tuple[float | None, ...]
    n_patients: tuple[int, ...]
    percentile: float

    @classmethod
    def fit(
        cls,
        labels: ArrayLike,
        probabilities: ArrayLike,
        patients: Children,
        percentile: float = PERCENTILE,
    ) -> Self:
        """Learn from validation how low the probability of the true class may be.

        Args:
            labels: (n,) class numbers.
            probabilities: (n,) of class 1, or (n, classes).
            patients: (n,) hashable id of each image's patient.
            percentile: Per cent of a class's images that shall keep it, between 0 and 100.

        Raises:
            InsufficientDataError: There are no images.
            EvaluationError: Lengths differ, or a value is none of its kind.
            ScoreNormalizationError: The percentile is none.
        """
        columns = _by_class(probabilities)
        truth = class_labels(labels, columns.shape[1])
        shares = shares_of_one(columns, (len(truth), columns.shape[1]))
        codes, _ = patient_codes(patients, len(truth))
        sets = [
            CalibrationSet(1 - shares[truth == number, number], codes[truth == number])
            for number in range(columns.shape[1])
        ]
        return cls(
            tuple(one.threshold(percentile) for one in sets),
            tuple(one.n_children for one in sets),
            float(percentile),
        )

    def possible(self, shares: Sequence[float]) -> tuple[int, ...]:
        """The classes that an image's probabilities, one a class, do not rule out.

        Raises:
            EvaluationError: There are not as many as classes.

        >>> Abstention((0.2, None), (20, 3), 90.0).possible([0.1, 0.9])
        (1,)
        """
        if len(shares) != len(self.cuts):
            raise EvaluationError(f"{len(self.cuts)} classes need as many probabilities.")
        return tuple(
            number
            for number, (share, cut) in enumerate(zip(shares, self.cuts, strict=True))
            if cut is None or round_score(1 - share) <= cut
        )

    def answer(self, probability: float, threshold: float) -> Answer:
        """What is said of an image in a question of two classes.

        Args:
            probability: Of class 1.
            threshold: From which on the decision is class 1.

        >>> Abstention((0.6, 0.7), (20, 20), 90.0).answer(0.5, 0.4).reason
        'Two classes are possible: images of either have such a probability.'
        """
        return self._answer(int(probability >= threshold), [1 - probability, probability])

    def answer_classes(self, probabilities: ArrayLike) -> Answer:
        """What is said of an image in a question of several classes: the most probable one.

        >>> Abstention((0.6, 0.7, 0.5), (20, 20, 20), 90.0).answer_classes([0.8, 0.1, 0.1]).decision
        0
        """
        shares = np.asarray(probabilities, dtype=np.float64)
        return self._answer(int(shares.argmax()), shares.tolist())

    def band(self, threshold: float) -> tuple[float, float]:
        """From and to which probability of class 1 no answer is given, for two classes.

        Below the band the answer is class 0, above it class 1.

        Raises:
            EvaluationError: There are not two classes.

        >>> Abstention((0.6, 0.7), (20, 20), 90.0).band(0.4)
        (0.3, 0.6)
        """
        if len(self.cuts) != 2:
            raise EvaluationError("Only a question of two classes has a band.")
        no, yes = self.cuts
        ends = [threshold, 1.0 if no is None else no, 0.0 if yes is None else round(1 - yes, 12)]
        return min(ends), max(ends)

    def to_dict(self) -> dict[str, Any]:
        """The rule in JSON's own types; it names nobody.

        >>> rule = Abstention((0.6, None), (20, 3), 90.0)
        >>> Abstention.from_dict(rule.to_dict()) == rule
        True
        """
        return {
            "cuts": list(self.cuts),
            "n_patients": list(self.n_patients),
            "percentile": self.percentile,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The rule that `to_dict` made this of.

        Raises:
            KeyError: A part is missing.
        """
        return cls(tuple(stored["cuts"]), tuple(stored["n_patients"]), stored["percentile"])

    def _answer(self, decision: int, shares: Sequence[float]) -> Answer:
        possible = self.possible(shares)
        return Answer(decision, possible, None if possible == (decision,) else _why(possible))


def _why(possible: tuple[int, ...]) -> str:
    if not possible:
        return "No class is possible: images of none have such a probability."
    if len(possible) == 1:
        return (
            "The threshold decides for one class, and images of it do not have such a probability."
        )
    if len(possible) == 2:
        return "Two classes are possible: images of either have such a probability."
    return f"{len(possible)} classes are possible: images of each have such a probability."


def _by_class(probabilities: ArrayLike) -> FloatArray:
    array = np.asarray(probabilities, dtype=np.float64)
    return array if array.ndim == 2 else np.stack([1 - array, array], axis=-1)
