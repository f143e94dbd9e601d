"""What deciding at any threshold finds: the figures that move with it, and no others."""

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children
from deepmed.learning.evaluation.binary.cases import Cases
from deepmed.learning.evaluation.binary.confusion import ConfusionMatrix, counted
from deepmed.learning.evaluation.binary.figures import UNIT, Figure, Settings, figures_of
from deepmed.learning.evaluation.binary.probabilities import checked_prevalence
from deepmed.learning.evaluation.binary.report import bases_of
from deepmed.learning.evaluation.binary.resampling import DecisionFigures
from deepmed.learning.evaluation.interval import NOT_STATED

MOVED = (
    "sensitivity", "specificity", "ppv", "npv", "ppv_at_prevalence", "npv_at_prevalence",
    "accuracy", "balanced_accuracy", "f1",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DecisionReport:
    """The figures of a decision; each follows from `confusion`.

    >>> evaluate_decision([0, 1] * 9, [0.2, 0.9] * 9, range(18), 0.5)["sensitivity"].estimate
    1.0
    """

    threshold: float
    confusion: ConfusionMatrix
    figures: Mapping[str, Figure]
    """Those of `MOVED`; the two at a stated prevalence only where one was stated."""

    def __getitem__(self, name: str) -> Figure:
        """The figure of a name."""
        return self.figures[name]


def evaluate_decision(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Children,
    threshold: float,
    prevalence: float | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    split: str = NOT_STATED,
    unit: str = UNIT,
) -> DecisionReport:
    """Those figures of `evaluate_binary` that a threshold moves, with the same intervals.

    It skips all that needs an order or bins, so that somebody who moves a slider can wait for it.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.
        patients: (n,) hashable id of each image's patient.
        threshold: From which on the decision is positive.
        prevalence: Share of ill people for which PPV and NPV are stated as well.
        resamples: Bootstrap resamples.
        seed: Seed of the run; the same one draws the same patients as `evaluate_binary`.
        level: Confidence level.
        split: Which images these are.
        unit: What an entry of `patients` stands for.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> found = evaluate_decision([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], "abcd", 0.65)
    >>> found.confusion.false_positives, found["specificity"].estimate
    (0, 1.0)
    """
    cases = Cases.of(labels, probabilities, patients)
    checked_prevalence(prevalence)
    called = cases.scores >= threshold
    bases = bases_of(cases, called, prevalence)
    figures = figures_of(
        DecisionFigures(cases, called, prevalence),
        {name: bases[name] for name in MOVED if name in bases},
        cases.n_patients,
        Settings(resamples=resamples, seed=seed, level=level, split=split, unit=unit),
    )
    return DecisionReport(
        threshold=float(threshold), confusion=counted(cases.positive, called), figures=figures
    )
