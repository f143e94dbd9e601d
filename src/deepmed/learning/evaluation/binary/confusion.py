"""The four counts of a decision, and every figure that follows from them."""

from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from deepmed.learning.evaluation.binary.cases import BoolArray, class_labels, shares_of_one


@dataclass(frozen=True)
class ConfusionMatrix:
    """How often the decision and the truth were what.

    Each figure is None where its denominator is nothing; it is never 0 for want of data.

    >>> counts = ConfusionMatrix(8, 5, 0, 2)
    >>> counts.sensitivity, counts.specificity, counts.precision, counts.n
    (0.8, 1.0, 1.0, 15)
    >>> ConfusionMatrix(0, 5, 0, 0).sensitivity is None
    True
    """

    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int

    @property
    def n(self) -> int:
        """All images."""
        return self.n_positive + self.n_negative

    @property
    def n_positive(self) -> int:
        """Images of class 1."""
        return self.true_positives + self.false_negatives

    @property
    def n_negative(self) -> int:
        """Images of class 0."""
        return self.true_negatives + self.false_positives

    @property
    def sensitivity(self) -> float | None:
        """Share of the positives that were found."""
        return _share(self.true_positives, self.n_positive)

    @property
    def specificity(self) -> float | None:
        """Share of the negatives that were left alone."""
        return _share(self.true_negatives, self.n_negative)

    @property
    def precision(self) -> float | None:
        """Share of those called positive that are: PPV at the prevalence of these very images."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def negative_predictive_value(self) -> float | None:
        """Share of those called negative that are, at the prevalence of these very images."""
        return _share(self.true_negatives, self.true_negatives + self.false_negatives)

    @property
    def accuracy(self) -> float | None:
        """Share of right decisions."""
        return _share(self.true_positives + self.true_negatives, self.n)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of sensitivity and specificity."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return (self.sensitivity + self.specificity) / 2

    @property
    def f1(self) -> float | None:
        """Harmonic mean of sensitivity and precision."""
        wrong = self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, 2 * self.true_positives + wrong)

    @property
    def prevalence(self) -> float | None:
        """Share of positives."""
        return _share(self.n_positive, self.n)

    def ppv_at(self, prevalence: float) -> float | None:
        """PPV where another share of people is ill, sensitivity and specificity being the same.

        Source: Bayes' theorem; Altman and Bland, BMJ 309 (1994) 102.

        >>> round(ConfusionMatrix(90, 90, 10, 10).ppv_at(0.01), 4)
        0.0833
        """
        if self.sensitivity is None or self.specificity is None:
            return None
        found = self.sensitivity * prevalence
        return _share(found, found + (1 - self.specificity) * (1 - prevalence))

    def npv_at(self, prevalence: float) -> float | None:
        """NPV where another share of people is ill.

        >>> round(ConfusionMatrix(90, 90, 10, 10).npv_at(0.01), 4)
        0.9989
        """
        if self.sensitivity is None or self.specificity is None:
            return None
        left_alone = self.specificity * (1 - prevalence)
        return _share(left_alone, left_alone + (1 - self.sensitivity) * prevalence)

    def to_dict(self) -> dict[str, Any]:
        """The four counts and what follows from them, ready for JSON.

        >>> ConfusionMatrix(1, 1, 0, 0).to_dict()["f1"]
        1.0
        """
        names = ("sensitivity", "specificity", "precision", "accuracy", "f1")
        return {**asdict(self), **{name: getattr(self, name) for name in names}}


def confusion_matrix(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float
) -> ConfusionMatrix:
    """Count decisions; positive is what reaches the threshold.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.
        threshold: From which on the decision is positive.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> confusion_matrix([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.4], 0.5).to_dict()["false_positives"]
    1
    """
    positive = class_labels(labels, 2) == 1
    scores = shares_of_one(probabilities, positive.shape)
    return counted(positive, scores >= threshold)


def counted(positive: BoolArray, called: BoolArray) -> ConfusionMatrix:
    """The counts of truth and decision.

    >>> import numpy as np
    >>> counted(np.array([True, False]), np.array([True, True])).false_positives
    1
    """
    return ConfusionMatrix(
        int((positive & called).sum()),
        int((~positive & ~called).sum()),
        int((~positive & called).sum()),
        int((positive & ~called).sum()),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
