"""All figures of a two-class model on images whose truth is known (X-15)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepmed.learning.calibration.children import Children
from deepmed.learning.evaluation.binary.bounds import Basis, Kind
from deepmed.learning.evaluation.binary.cases import BoolArray, Cases
from deepmed.learning.evaluation.binary.confusion import ConfusionMatrix, counted
from deepmed.learning.evaluation.binary.figures import UNIT, Figure, Settings, figures_of
from deepmed.learning.evaluation.binary.probabilities import checked_prevalence
from deepmed.learning.evaluation.binary.reliability import BINS, ReliabilityBin, tabulated
from deepmed.learning.evaluation.binary.resampling import (
    DecisionFigures,
    ProbabilityFigures,
    RankFigures,
    Several,
)
from deepmed.learning.evaluation.interval import NOT_STATED


@dataclass(frozen=True, kw_only=True)
class ClassificationReport:
    """Figures of one model on one set of images.

    Every figure of the decision follows from `confusion`, the calibration error from `reliability`.

    >>> report = evaluate_binary([0, 1] * 9, [0.2, 0.9] * 9, range(18), 0.5, resamples=50)
    >>> report["auroc"].estimate, report["ppv_at_prevalence"].reason
    (1.0, 'No prevalence was stated.')
    """

    threshold: float
    prevalence: float | None
    """Of ill people, as stated; what the images themselves have is the figure `prevalence`."""
    confusion: ConfusionMatrix
    figures: Mapping[str, Figure]
    """auroc, auprc, sensitivity, specificity, ppv, npv (at the images' own prevalence),
    ppv_at_prevalence, npv_at_prevalence, accuracy, balanced_accuracy, f1, brier, ece and
    prevalence, each between 0 and 1 or undefined."""
    reliability: tuple[ReliabilityBin, ...]
    n_items: int
    n_patients: int
    resamples: int
    seed: int
    level: float
    split: str

    def __getitem__(self, name: str) -> Figure:
        """The figure of a name."""
        return self.figures[name]

    @property
    def estimates(self) -> dict[str, float | None]:
        """The figures without their intervals, by name."""
        return {name: figure.estimate for name, figure in self.figures.items()}

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON.

        >>> report = evaluate_binary([0, 1], [0.2, 0.9], "ab", 0.5)
        >>> report.to_dict()["figures"]["auroc"]["estimate"]
        1.0
        """
        return {
            **{name: value for name, value in vars(self).items() if name not in _NESTED},
            "confusion": self.confusion.to_dict(),
            "figures": {name: figure.to_dict() for name, figure in self.figures.items()},
            "reliability": [asdict(row) for row in self.reliability],
        }


_NESTED = {"confusion", "figures", "reliability"}


def evaluate_binary(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Children,
    threshold: float,
    prevalence: float | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    bins: int = BINS,
    split: str = NOT_STATED,
    unit: str = UNIT,
) -> ClassificationReport:
    """Evaluate a two-class model, with intervals over patients.

    A patient is drawn with all images of theirs. Figures are over images. Where a share or an AUROC
    is below 0.1 or above 0.9, where resampling promises too much, its interval is the hull with
    Wilson's, or Newcombe's, over patients. Each interval says what was done.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of class 1.
        patients: (n,) hashable id of each image's patient.
        threshold: From which on the decision is positive; fixed on validation, see
            `youden_threshold`.
        prevalence: Share of ill people for which PPV and NPV are stated as well; between 0 and 1.
        resamples: Bootstrap resamples.
        seed: Seed of the run.
        level: Confidence level.
        bins: Bins of the calibration error.
        split: Which images these are.
        unit: What an entry of `patients` stands for.

    Returns:
        The figures. One that is undefined, or rests on fewer than five patients, says so.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> report = evaluate_binary([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], "abcd", 0.5, prevalence=0.1)
    >>> report.confusion.false_positives, round(report["ppv_at_prevalence"].estimate, 4)
    (1, 0.1818)
    """
    cases = Cases.of(labels, probabilities, patients)
    checked_prevalence(prevalence)
    called = cases.scores >= threshold
    settings = Settings(resamples=resamples, seed=seed, level=level, split=split, unit=unit)
    return ClassificationReport(
        threshold=float(threshold),
        prevalence=prevalence,
        confusion=counted(cases.positive, called),
        figures=binary_figures(cases, called, prevalence, bins, settings),
        reliability=tabulated(cases.positive, cases.scores, bins),
        n_items=len(cases),
        n_patients=cases.n_patients,
        resamples=resamples,
        seed=seed,
        level=level,
        split=split,
    )


def binary_figures(
    cases: Cases, called: BoolArray, prevalence: float | None, bins: int, settings: Settings
) -> dict[str, Figure]:
    """All figures of checked images and their decisions.

    >>> cases = Cases.of([0, 1], [0.2, 0.9], "ab")
    >>> found = binary_figures(cases, cases.scores >= 0.5, None, 15, Settings())
    >>> found["sensitivity"].estimate, found["sensitivity"].reason
    (1.0, 'It rests on 1 patients; an interval needs 5.')
    """
    sample = Several(
        (RankFigures(cases), DecisionFigures(cases, called, prevalence),
         ProbabilityFigures(cases, bins))
    )  # fmt: skip
    bases = bases_of(cases, called, prevalence)
    found = figures_of(sample, bases, cases.n_patients, settings)
    unstated = {
        name: Figure(reason="No prevalence was stated.")
        for name in ("ppv_at_prevalence", "npv_at_prevalence")
        if prevalence is None
    }
    return {name: (found | unstated)[name] for name in NAMES}


NAMES = (
    "auroc", "auprc", "sensitivity", "specificity", "ppv", "npv", "ppv_at_prevalence",
    "npv_at_prevalence", "accuracy", "balanced_accuracy", "f1", "brier", "ece", "prevalence",
)  # fmt: skip


def bases_of(cases: Cases, called: BoolArray, prevalence: float | None) -> dict[str, Basis]:
    """What each figure rests on, by name.

    >>> cases = Cases.of([0, 1, 1], [0.2, 0.9, 0.4], "abb")
    >>> bases_of(cases, cases.scores >= 0.5, None)["sensitivity"].n_units
    1
    """
    every = np.ones(len(cases), dtype=bool)
    positive = cases.positive
    by_class = cases.patients_among(~positive), cases.patients_among(positive)

    def basis(kind: Kind, images: BoolArray, missing: str, *, both: bool = False) -> Basis:
        return Basis(
            kind=kind,
            n_units=min(by_class) if both else cases.patients_among(images),
            n_items=int(images.sum()),
            missing=missing,
            n_by_class=by_class,
            n_negative=int((images & ~positive).sum()),
            n_positive=int((images & positive).sum()),
            prevalence=float("nan") if prevalence is None else prevalence,
        )

    found = {
        "auroc": basis("auroc", every, ONE_CLASS, both=True),
        "auprc": basis("other", every, NO_POSITIVE, both=True),
        "sensitivity": basis("share", positive, NO_POSITIVE),
        "specificity": basis("share", ~positive, NO_NEGATIVE),
        "ppv": basis("share", called, "No image was called positive."),
        "npv": basis("share", ~called, "No image was called negative."),
        "accuracy": basis("share", every, ""),
        "balanced_accuracy": basis("other", every, ONE_CLASS, both=True),
        "f1": basis("other", every, "No image is positive, and none was called so."),
        "brier": basis("other", every, ""),
        "ece": replace(basis("other", every, ""), noise="ece_noise"),
        "prevalence": basis("share", every, ""),
    }
    if prevalence is not None:
        for name in ("ppv_at_prevalence", "npv_at_prevalence"):
            missing = "A class has no image, or all decisions are the same."
            found[name] = basis(name, every, missing, both=True)
    return found


NO_POSITIVE = "There is no positive image."
NO_NEGATIVE = "There is no negative image."
ONE_CLASS = "All images are of one class."
