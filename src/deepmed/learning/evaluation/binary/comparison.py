"""Two models on the same images: what one has over the other."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from deepmed.learning.calibration.children import Children
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary.bounds import Basis
from deepmed.learning.evaluation.binary.cases import Cases
from deepmed.learning.evaluation.binary.figures import UNIT, Figure, Settings, figures_of
from deepmed.learning.evaluation.binary.reliability import BINS
from deepmed.learning.evaluation.binary.report import bases_of
from deepmed.learning.evaluation.binary.resampling import (
    DecisionFigures,
    ProbabilityFigures,
    RankFigures,
    Resampled,
    Several,
    Values,
    patient_sums,
)
from deepmed.learning.evaluation.bootstrap import FloatArray
from deepmed.learning.evaluation.interval import NOT_STATED

COMPARED = (
    "auroc", "auprc", "sensitivity", "specificity", "accuracy", "balanced_accuracy", "f1",
    "brier", "ece",
)  # fmt: skip


def paired_differences(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    patients: Children,
    *,
    thresholds: tuple[float, float],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    split: str = NOT_STATED,
    unit: str = UNIT,
) -> dict[str, Figure]:
    """Each figure of the first model less that of the second, by paired patient bootstrap.

    The first is better beyond the interval where `wholly_above(0.0)`; for the Brier score and the
    calibration error less is better. Several differences are several chances to be wrong.

    Args:
        labels: (n,) 0 or 1.
        first: (n,) probabilities of the first model.
        second: (n,) of the second, of the same images in the same order.
        patients: (n,) hashable id of each image's patient.
        thresholds: Each model's own.
        resamples: Bootstrap resamples.
        seed: Seed of the run.
        level: Confidence level.
        split: Which images these are.
        unit: What an entry of `patients` stands for.

    Returns:
        By name of the figure, each within -1 and 1.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> found = paired_differences([0, 1] * 9, [0.2, 0.9] * 9, [0.5] * 18, range(18),
    ...                            thresholds=(0.5, 0.5))
    >>> found["auroc"].estimate, found["auroc"].wholly_above(0.0)
    (0.5, True)
    """
    settings = Settings(resamples=resamples, seed=seed, level=level, split=split, unit=unit)
    both = [Cases.of(labels, scores, patients) for scores in (first, second)]
    sample = _Difference(_figures(both[0], thresholds[0]), _figures(both[1], thresholds[1]))
    bases = bases_of(both[0], both[0].scores >= thresholds[0], None)
    wanted = {name: _of_difference(bases[name]) for name in COMPARED}
    return figures_of(sample, wanted, both[0].n_patients, settings)


@dataclass(frozen=True)
class AurocTest:
    """Two AUROCs on the same images, compared by DeLong's method.

    >>> AurocTest(0.9, 0.8, 0.05, 0.0455).to_dict()["difference"]
    0.1
    """

    first: float
    second: float
    standard_error: float
    """Of the difference; over patients."""
    p_value: float
    """Two-sided, of no difference; asymptotic, so for tens of patients of each class and more."""

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {**vars(self), "difference": round(self.first - self.second, 12)}


def delong_test(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, patients: Children
) -> AurocTest:
    """Test whether two models order the same images equally well.

    With one image a patient it is DeLong's test; with several, they go together.
    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845; for patients with
    several images Obuchowski, Biometrics 53 (1997) 567-578.

    Args:
        labels: (n,) 0 or 1.
        first: (n,) probabilities of the first model.
        second: (n,) of the second, of the same images in the same order.
        patients: (n,) hashable id of each image's patient.

    Raises:
        InsufficientDataError: A class has images of fewer than two patients, or both models order
            the images alike, so that nothing scatters.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> test = delong_test([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.8, 0.35, 0.9],
    ...                    [0.5, 0.4, 0.3, 0.2, 0.6, 0.7], range(6))
    >>> round(test.first, 4), round(test.second, 4), round(test.p_value, 4)
    (0.8889, 0.6667, 0.593)
    """
    both = [Cases.of(labels, scores, patients) for scores in (first, second)]
    positive = both[0].positive
    if min(both[0].patients_among(positive), both[0].patients_among(~positive)) < 2:
        raise InsufficientDataError("A comparison needs two patients with images of each class.")
    placements = [_placements(cases) for cases in both]
    areas = [float(places[positive].mean()) for places in placements]
    variance = _variance_of_difference(both[0], placements[0] - placements[1])
    if variance <= 0:
        raise InsufficientDataError("Both models order these images alike: there is no difference.")
    error = float(np.sqrt(variance))
    z = abs(areas[0] - areas[1]) / error
    return AurocTest(areas[0], areas[1], error, float(2 * special.ndtr(-z)))


def _placements(cases: Cases) -> FloatArray:
    """Of each image, the share of the other class that it stands on the right side of."""
    found = np.empty(len(cases))
    positive = cases.positive
    ranks = stats.rankdata(cases.scores)
    for chosen in (positive, ~positive):
        own = stats.rankdata(cases.scores[chosen])
        found[chosen] = (ranks[chosen] - own) / (~chosen).sum()
    found[~positive] = 1 - found[~positive]
    return found


def _variance_of_difference(cases: Cases, gained: FloatArray) -> float:
    """Over patients: of those with positives, of those with negatives, and of what both share."""
    parts = []
    for chosen in (cases.positive, ~cases.positive):
        mean = gained[chosen].mean()
        sums = patient_sums(cases, np.where(chosen, gained - mean, 0.0)[None])[:, 0]
        n = cases.patients_among(chosen)
        parts.append((sums / chosen.sum(), n / (n - 1)))
    (of_positives, one), (of_negatives, other) = parts
    alone = one * of_positives @ of_positives + other * of_negatives @ of_negatives
    n = cases.n_patients
    return float(alone + 2 * n / (n - 1) * (of_positives @ of_negatives))


@dataclass(frozen=True, eq=False)
class _Difference:
    first: Resampled
    second: Resampled

    def values(self, drawn: FloatArray) -> Values:
        minuend, subtrahend = self.first.values(drawn), self.second.values(drawn)
        return {name: minuend[name] - subtrahend[name] for name in COMPARED}


def _figures(cases: Cases, threshold: float) -> Several:
    called = cases.scores >= threshold
    return Several(
        (RankFigures(cases), DecisionFigures(cases, called), ProbabilityFigures(cases, BINS))
    )


def _of_difference(basis: Basis) -> Basis:
    return replace(basis, kind="other", lowest=-1.0, noise=None)
