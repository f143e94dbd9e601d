"""Images with a label, a probability and a patient, checked once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.calibration.children import Children, CodeArray, child_list, encode_children
from deepmed.learning.calibration.errors import ScoreNormalizationError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.bootstrap import FloatArray
from deepmed.learning.evaluation.errors import EvaluationError

BoolArray = NDArray[np.bool_]
LabelArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cases:
    """Images whose truth is known.

    Attributes:
        positive: (n,) bool, the truth.
        scores: (n,) what is ranked, in [0, 1].
        codes: (n,) number of each image's patient, in the order of first appearance.
        n_patients: How many patients there are.

    >>> Cases.of([0, 1, 1], [0.2, 0.9, 0.4], ["ann", "bob", "ann"]).n_patients
    2
    """

    positive: BoolArray
    scores: FloatArray
    codes: CodeArray
    n_patients: int

    @classmethod
    def of(cls, labels: ArrayLike, probabilities: ArrayLike, patients: Children) -> "Cases":
        """Check and number.

        Args:
            labels: (n,) 0 or 1.
            probabilities: (n,) of class 1.
            patients: (n,) hashable id of each image's patient.

        Raises:
            InsufficientDataError: There are no images.
            EvaluationError: Lengths differ, or a value is none of its kind.
        """
        truth = class_labels(labels, 2)
        scores = shares_of_one(probabilities, (len(truth),))
        codes, n_patients = patient_codes(patients, len(truth))
        return cls(truth == 1, scores, codes, n_patients)

    def __len__(self) -> int:
        """How many images."""
        return len(self.positive)

    def part(self, chosen: BoolArray) -> "Cases":
        """Some of the images, with patients numbered anew.

        >>> Cases.of([0, 1], [0.2, 0.9], "ab").part(np.array([False, True])).codes.tolist()
        [0]
        """
        codes, n_patients = patient_codes(self.codes[chosen], int(chosen.sum()))
        return Cases(self.positive[chosen], self.scores[chosen], codes, n_patients)

    def patients_among(self, chosen: BoolArray) -> int:
        """How many patients some of the images come from.

        >>> Cases.of([0, 1, 1], [0.2, 0.9, 0.4], "aba").patients_among(np.array([1, 0, 1], bool))
        1
        """
        return len(np.unique(self.codes[chosen]))


def class_labels(labels: ArrayLike, n_classes: int) -> LabelArray:
    """Labels as class numbers.

    Raises:
        InsufficientDataError: There are none.
        EvaluationError: One is not a whole number below `n_classes`.

    >>> class_labels([True, False], 2).tolist()
    [1, 0]
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise EvaluationError(f"Labels are one row of class numbers, not of shape {array.shape}.")
    if not len(array):
        raise InsufficientDataError("There are no images, so there is no figure.")
    if not np.isin(array, np.arange(n_classes)).all():
        raise EvaluationError(f"Labels are whole numbers from 0 to {n_classes - 1}.")
    return array.astype(np.int64)


def shares_of_one(values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Probabilities of the wanted shape, each within 0 and 1.

    Raises:
        EvaluationError: The shape differs, or a value lies outside or is not finite.

    >>> shares_of_one([0.5], (1,))
    array([0.5])
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise EvaluationError(f"Probabilities of shape {array.shape} do not fit {shape} labels.")
    if not ((array >= 0) & (array <= 1)).all():
        raise EvaluationError(
            "A probability lies within 0 and 1; logits need a sigmoid or softmax first."
        )
    return array


def patient_codes(patients: Children, n_items: int) -> tuple[CodeArray, int]:
    """The number of each image's patient, and how many patients there are.

    Raises:
        EvaluationError: An image has no patient.

    >>> patient_codes(["b", "a", "b"], 3)
    (array([0, 1, 0]), 2)
    """
    ids = child_list(patients)
    if len(ids) != n_items:
        raise EvaluationError(f"{n_items} images were given with {len(ids)} patient ids.")
    try:
        codes, numbers = encode_children(ids)
    except ScoreNormalizationError as error:
        raise EvaluationError(
            "Every image needs a patient id; give images without one an id of their own."
        ) from error
    return codes, len(numbers)
