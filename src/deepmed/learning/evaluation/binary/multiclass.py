"""All figures of a model with several classes (X-13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepmed.learning.calibration.children import Children
from deepmed.learning.evaluation.binary.bounds import Basis
from deepmed.learning.evaluation.binary.cases import (
    Cases,
    LabelArray,
    class_labels,
    patient_codes,
    shares_of_one,
)
from deepmed.learning.evaluation.binary.figures import UNIT, Figure, Settings, figures_of
from deepmed.learning.evaluation.binary.reliability import BINS
from deepmed.learning.evaluation.binary.report import bases_of
from deepmed.learning.evaluation.binary.resampling import (
    DecisionFigures,
    ProbabilityFigures,
    RankFigures,
    Several,
    Values,
    patient_sums,
)
from deepmed.learning.evaluation.bootstrap import FloatArray
from deepmed.learning.evaluation.errors import EvaluationError
from deepmed.learning.evaluation.interval import NOT_STATED

ONE_AGAINST_REST = ("auroc", "auprc", "sensitivity", "specificity", "ppv", "npv", "f1")
AVERAGED = ("auroc", "auprc", "sensitivity", "specificity", "ppv", "f1")


@dataclass(frozen=True, kw_only=True)
class MulticlassReport:
    """Figures of one model on one set of images.

    `figures` are accuracy, balanced_accuracy (the mean sensitivity), macro_auroc, macro_auprc,
    macro_sensitivity, macro_specificity, macro_ppv, macro_f1, brier (0 to 2) and ece (of the chosen
    class). `by_class` has auroc, auprc, sensitivity, specificity, ppv, npv and f1 of each class
    against the rest, the decision being the most probable class.

    >>> report = evaluate_multiclass([0, 1, 2], np.eye(3), "abc", ["no", "some", "much"])
    >>> report.confusion, report.by_class["much"]["f1"].estimate
    (((1, 0, 0), (0, 1, 0), (0, 0, 1)), 1.0)
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are the truth, columns the decision."""
    figures: Mapping[str, Figure]
    by_class: Mapping[str, Mapping[str, Figure]]
    n_items: int
    n_patients: int
    resamples: int
    seed: int
    level: float
    split: str

    def __getitem__(self, name: str) -> Figure:
        """The figure of a name."""
        return self.figures[name]

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            **vars(self),
            "classes": list(self.classes),
            "confusion": [list(row) for row in self.confusion],
            "figures": {name: figure.to_dict() for name, figure in self.figures.items()},
            "by_class": {
                name: {part: figure.to_dict() for part, figure in figures.items()}
                for name, figures in self.by_class.items()
            },
        }


def evaluate_multiclass(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: Children,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    bins: int = BINS,
    split: str = NOT_STATED,
    unit: str = UNIT,
) -> MulticlassReport:
    """Evaluate a model with several classes, with intervals over patients.

    Macro figures are plain means over the classes, and undefined where one class has none; so a
    class that occurs in no image takes them away, and is named.

    Args:
        labels: (n,) class numbers.
        probabilities: (n, classes), rows sum to 1.
        patients: (n,) hashable id of each image's patient.
        classes: Their names.
        resamples: Bootstrap resamples.
        seed: Seed of the run.
        level: Confidence level.
        bins: Bins of the calibration error.
        split: Which images these are.
        unit: What an entry of `patients` stands for.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> report = evaluate_multiclass([0, 1, 1], [[0.6, 0.4], [0.3, 0.7], [0.8, 0.2]], "abc",
    ...                              ["no", "yes"])
    >>> report["macro_sensitivity"].estimate, report["brier"].estimate
    (0.75, 0.59...)
    """
    sample = _Sample.of(labels, probabilities, patients, classes, bins)
    settings = Settings(resamples=resamples, seed=seed, level=level, split=split, unit=unit)
    found = figures_of(sample, sample.bases(), sample.n_patients, settings)
    return MulticlassReport(
        classes=sample.classes,
        confusion=sample.confusion(),
        figures={name: figure for name, figure in found.items() if "/" not in name},
        by_class={
            one: {part: found[f"{number}/{part}"] for part in ONE_AGAINST_REST}
            for number, one in enumerate(sample.classes)
        },
        n_items=len(sample.truth),
        n_patients=sample.n_patients,
        resamples=resamples,
        seed=seed,
        level=level,
        split=split,
    )


def paired_class_differences(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    patients: Children,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    bins: int = BINS,
    split: str = NOT_STATED,
    unit: str = UNIT,
) -> dict[str, Figure]:
    """Each figure of the first model less that of the second, by paired patient bootstrap.

    As `paired_differences`, for several classes; both decide for the most probable one.

    Args:
        labels: (n,) class numbers.
        first: (n, classes) probabilities of the first model.
        second: (n, classes) of the second, of the same images in the same order.
        patients: (n,) hashable id of each image's patient.
        classes: Their names.
        resamples: Bootstrap resamples.
        seed: Seed of the run.
        level: Confidence level.
        bins: Bins of the calibration error.
        split: Which images these are.
        unit: What an entry of `patients` stands for.

    Returns:
        By name of the figure, as `MulticlassReport.figures` has them; each within -1 and 1, that of
        the Brier score within -2 and 2.

    Raises:
        InsufficientDataError: There are no images.
        EvaluationError: Lengths differ, or a value is none of its kind.

    >>> sure, even = np.eye(2)[[0, 1] * 9], np.full((18, 2), 0.5)
    >>> found = paired_class_differences([0, 1] * 9, sure, even, range(18), ["no", "yes"])
    >>> found["accuracy"].estimate, found["accuracy"].wholly_above(0.0)
    (0.5, True)
    """
    settings = Settings(resamples=resamples, seed=seed, level=level, split=split, unit=unit)
    one, other = (_Sample.of(labels, shares, patients, classes, bins) for shares in (first, second))
    wanted = {
        name: replace(basis, kind="other", lowest=-basis.highest, noise=None)
        for name, basis in one.bases().items()
        if "/" not in name
    }
    return figures_of(_Difference(one, other), wanted, one.n_patients, settings)


@dataclass(frozen=True, eq=False)
class _Difference:
    first: "_Sample"
    second: "_Sample"

    def values(self, drawn: FloatArray) -> Values:
        minuend, subtrahend = self.first.values(drawn), self.second.values(drawn)
        return {name: minuend[name] - subtrahend[name] for name in minuend}


@dataclass(frozen=True, eq=False)
class _Sample:
    truth: LabelArray
    chosen: NDArray[np.intp]
    certain: Cases
    """Whether the decision is right, ranked by the probability of what was chosen."""
    squared: FloatArray
    """(n,) squared distance of the probabilities from the truth."""
    each: tuple[Cases, ...]
    classes: tuple[str, ...]
    bins: int

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        probabilities: ArrayLike,
        patients: Children,
        classes: Sequence[str],
        bins: int,
    ) -> "_Sample":
        names = tuple(classes)
        if len(set(names)) != len(names) or len(names) < 2:
            raise EvaluationError("Classes are two or more different names.")
        truth = class_labels(labels, len(names))
        shares = shares_of_one(probabilities, (len(truth), len(names)))
        if not np.allclose(shares.sum(axis=1), 1, atol=1e-3):
            raise EvaluationError("The probabilities of an image's classes sum to 1.")
        codes, n_patients = patient_codes(patients, len(truth))
        chosen = shares.argmax(axis=1)
        each = tuple(
            Cases(truth == number, shares[:, number], codes, n_patients)
            for number in range(len(names))
        )
        certain = Cases(chosen == truth, shares.max(axis=1), codes, n_patients)
        squared = ((shares - np.eye(len(names))[truth]) ** 2).sum(axis=1)
        return cls(truth, chosen, certain, squared, each, names, bins)

    @property
    def n_patients(self) -> int:
        return self.certain.n_patients

    def values(self, drawn: FloatArray) -> Values:
        found: Values = {}
        for number, cases in enumerate(self.each):
            own = Several((RankFigures(cases), DecisionFigures(cases, self.chosen == number)))
            found |= {f"{number}/{name}": value for name, value in own.values(drawn).items()}
        for name in AVERAGED:
            every = [found[f"{number}/{name}"] for number in range(len(self.each))]
            found[f"macro_{name}"] = np.mean(every, axis=0)
        found["balanced_accuracy"] = found["macro_sensitivity"]
        rows = np.stack([np.ones(len(self.truth)), self.squared, self.certain.positive])
        n, squared, right = (drawn @ patient_sums(self.certain, rows)).T
        calibration = ProbabilityFigures(self.certain, self.bins).values(drawn)
        return {
            **found,
            "accuracy": right / n,
            "brier": squared / n,
            "ece": calibration["ece"],
            "ece_noise": calibration["ece_noise"],
        }

    def bases(self) -> dict[str, Basis]:
        own = [
            bases_of(cases, self.chosen == number, None) for number, cases in enumerate(self.each)
        ]
        whole = Basis(kind="other", n_units=self.n_patients, n_items=len(self.truth), missing="")
        fewest = min(bases["sensitivity"].n_units for bases in own)
        macro = replace(whole, n_units=fewest, missing=self._why_not())
        found = {
            "accuracy": replace(whole, kind="share"),
            "balanced_accuracy": macro,
            **{f"macro_{name}": macro for name in AVERAGED},
            "brier": replace(whole, highest=2.0),
            "ece": replace(whole, noise="ece_noise"),
        }
        return found | {
            f"{number}/{name}": bases[name]
            for number, bases in enumerate(own)
            for name in ONE_AGAINST_REST
        }

    def _why_not(self) -> str:
        pairs = zip(self.classes, self.each, strict=True)
        absent = [name for name, cases in pairs if not cases.positive.any()]
        if absent:
            return f"No image is of the class {absent[0]}."
        return "It is undefined for one of the classes."

    def confusion(self) -> tuple[tuple[int, ...], ...]:
        size = len(self.classes)
        cells = np.bincount(self.truth * size + self.chosen, minlength=size * size)
        return tuple(map(tuple, cells.reshape(size, size).tolist()))
