"""Where a decision begins: fixed on validation, before the test part is opened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary.cases import class_labels, shares_of_one
from deepmed.learning.evaluation.binary.confusion import ConfusionMatrix
from deepmed.learning.evaluation.bootstrap import FloatArray

CountArray = NDArray[np.int64]


def youden_threshold(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The threshold with the largest sensitivity + specificity - 1.

    It lies midway between two probabilities that occur, so that the last digits of a probability,
    which differ from machine to machine, turn no decision. Of equally good ones it is the lowest:
    the more sensitive. Source: Youden, Cancer 3 (1950) 32-35.

    Args:
        labels: (n,) 0 or 1; of validation, never of the test part.
        probabilities: (n,) of class 1.

    Returns:
        From which on the decision is positive.

    Raises:
        InsufficientDataError: A class is missing, or no threshold is better than chance.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> youden_threshold([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.8])
    0.35
    """
    steps = threshold_steps(labels, probabilities)
    positives, negatives = steps.found[-1], steps.alarms[-1]
    if not (positives and negatives):
        raise InsufficientDataError("A threshold needs images of both classes.")
    # Whole numbers, so that equally good thresholds are equal: J times both class sizes.
    gain = steps.found * negatives - steps.alarms * positives
    if gain.max() <= 0:
        raise InsufficientDataError("No threshold is better than chance on these images.")
    best = int(np.flatnonzero(gain == gain.max())[-1])
    below, above = float(steps.cuts[best + 1]), float(steps.cuts[best])
    middle = (below + above) / 2
    return middle if middle > below else above


@dataclass(frozen=True, eq=False)
class ThresholdSteps:
    """What each threshold finds: the ROC curve, the precision-recall curve, a slider.

    Attributes:
        cuts: (t,) the probabilities that occur, from the highest; each as a threshold.
        found: (t,) positives at or above it.
        alarms: (t,) negatives at or above it.

    >>> steps = threshold_steps([0, 1], [0.2, 0.9])
    >>> steps.cuts.tolist(), steps.found.tolist(), steps.alarms.tolist()
    ([0.9, 0.2], [1, 1], [0, 1])
    """

    cuts: FloatArray
    found: CountArray
    alarms: CountArray

    def at(self, threshold: float) -> ConfusionMatrix:
        """The counts at any threshold.

        >>> threshold_steps([0, 1], [0.2, 0.9]).at(0.5).true_positives
        1
        """
        reached = int(np.searchsorted(-self.cuts, -threshold, side="right"))
        found = int(self.found[reached - 1]) if reached else 0
        alarms = int(self.alarms[reached - 1]) if reached else 0
        return ConfusionMatrix(
            found, int(self.alarms[-1]) - alarms, alarms, int(self.found[-1]) - found
        )


def threshold_steps(labels: ArrayLike, probabilities: ArrayLike) -> ThresholdSteps:
    """Count at every probability that occurs.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> threshold_steps([0, 1, 1], [0.5, 0.5, 0.7]).found.tolist()
    [1, 2]
    """
    truth = class_labels(labels, 2)
    scores = shares_of_one(probabilities, truth.shape)
    order = np.argsort(-scores, kind="stable")
    ordered, positive = scores[order], truth[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found = np.cumsum(positive)[last]
    return ThresholdSteps(ordered[last], found, last + 1 - found)
