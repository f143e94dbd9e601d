"""Every binary figure as a function of how often each patient was drawn.

All but the two that need an order are made of sums over patients, so a thousand resamples cost one
matrix product.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deepmed.learning.calibration.children import CodeArray
from deepmed.learning.evaluation.binary.cases import BoolArray, Cases
from deepmed.learning.evaluation.binary.reliability import bin_of
from deepmed.learning.evaluation.bootstrap import FloatArray

Values = dict[str, FloatArray]


class Resampled(Protocol):
    """Figures of a sample."""

    def values(self, drawn: FloatArray) -> Values:
        """From (r, patients) how often each was drawn to (r,) of each figure; NaN: undefined."""
        ...


@dataclass(frozen=True, eq=False)
class DecisionFigures:
    """Figures of truth and decision, with PPV and NPV also at a stated prevalence.

    Attributes:
        cases: The images.
        called: (n,) bool, the decision.
        prevalence: Share of ill people to state PPV and NPV for; None to leave them out.

    >>> cases = Cases.of([0, 1, 1], [0.2, 0.9, 0.4], "abc")
    >>> figures = DecisionFigures(cases, cases.scores >= 0.5).values(np.ones((1, 3)))
    >>> figures["sensitivity"].tolist(), figures["ppv"].tolist()
    ([0.5], [1.0])
    """

    cases: Cases
    called: BoolArray
    prevalence: float | None = None

    def values(self, drawn: FloatArray) -> Values:
        """(r,) of each figure."""
        positive, called = self.cases.positive, self.called
        kinds = (positive & called, ~positive & called, ~positive & ~called, positive & ~called)
        hit, alarm, quiet, miss = (drawn @ patient_sums(self.cases, np.stack(kinds))).T
        sensitivity, specificity = ratio(hit, hit + miss), ratio(quiet, quiet + alarm)
        found: Values = {
            "sensitivity": sensitivity,
            "specificity": specificity,
            "ppv": ratio(hit, hit + alarm),
            "npv": ratio(quiet, quiet + miss),
            "accuracy": ratio(hit + quiet, hit + quiet + alarm + miss),
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "f1": ratio(2 * hit, 2 * hit + alarm + miss),
            "prevalence": ratio(hit + miss, hit + quiet + alarm + miss),
        }
        if self.prevalence is not None:
            found |= predictive_values(sensitivity, specificity, self.prevalence)
        return found


@dataclass(frozen=True, eq=False)
class ProbabilityFigures:
    """Figures of probabilities that need no order: Brier score and calibration error.

    Beside the calibration error stands what it would be by scatter alone: from the gaps of a
    resample less those of the sample.

    >>> cases = Cases.of([0, 1], [0.5, 0.5], "ab")
    >>> ProbabilityFigures(cases, 15).values(np.ones((1, 2)))["brier"].tolist()
    [0.25]
    """

    cases: Cases
    bins: int

    def values(self, drawn: FloatArray) -> Values:
        """(r,) of each figure."""
        off = self.cases.scores - self.cases.positive
        in_bin = bin_of(self.cases.scores, self.bins) == np.arange(self.bins)[:, None]
        sums = drawn @ patient_sums(
            self.cases, np.vstack([np.ones(len(off)), off**2, in_bin * off])
        )
        gaps = sums[:, 2:] / sums[:, :1]
        return {
            "brier": sums[:, 1] / sums[:, 0],
            "ece": np.abs(gaps).sum(axis=1),
            "ece_noise": np.abs(gaps - (in_bin * off).mean(axis=1)).sum(axis=1),
        }


@dataclass(frozen=True, eq=False)
class RankFigures:
    """Figures of the order: AUROC and AUPRC (average precision).

    Source: Hanley and McNeil, Radiology 143 (1982); Davis and Goadrich, ICML 2006: precision is
    not interpolated between thresholds.

    >>> cases = Cases.of([0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8], "abcd")
    >>> RankFigures(cases).values(np.ones((1, 4)))
    {'auroc': array([1.]), 'auprc': array([1.])}
    """

    cases: Cases

    def values(self, drawn: FloatArray) -> Values:
        """(r,) of each figure."""
        order = np.argsort(-self.cases.scores, kind="stable")
        ordered, positive = self.cases.scores[order], self.cases.positive[order]
        weights = drawn[:, self.cases.codes[order]]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        hits = _grouped(weights * positive, starts)
        alarms = _grouped(weights * ~positive, starts)
        above = np.cumsum(hits, axis=1)
        called = above + np.cumsum(alarms, axis=1)
        ill, well = above[:, -1], called[:, -1] - above[:, -1]
        wins = np.einsum("rg,rg->r", alarms, above - hits / 2)
        # A group of which nobody was drawn adds nothing, whatever the precision there.
        precision = np.divide(above, called, out=np.zeros_like(above), where=called > 0)
        gained = np.einsum("rg,rg->r", hits, precision)
        return {"auroc": ratio(wins, ill * well), "auprc": ratio(gained, ill)}


@dataclass(frozen=True, eq=False)
class Several:
    """Figures of several kinds in one.

    >>> cases = Cases.of([0, 1], [0.5, 0.5], "ab")
    >>> sorted(Several((RankFigures(cases), ProbabilityFigures(cases, 15))).values(np.ones((1, 2))))
    ['auprc', 'auroc', 'brier', 'ece', 'ece_noise']
    """

    parts: tuple[Resampled, ...]

    def values(self, drawn: FloatArray) -> Values:
        """(r,) of each figure."""
        return {name: found for part in self.parts for name, found in part.values(drawn).items()}


def predictive_values(
    sensitivity: FloatArray, specificity: FloatArray, prevalence: float
) -> Values:
    """PPV and NPV at a prevalence, by Bayes' theorem.

    >>> found = predictive_values(np.array([0.9]), np.array([0.9]), 0.5)
    >>> found["ppv_at_prevalence"].tolist()
    [0.9]
    """
    found, left = sensitivity * prevalence, specificity * (1 - prevalence)
    return {
        "ppv_at_prevalence": ratio(found, found + (1 - specificity) * (1 - prevalence)),
        "npv_at_prevalence": ratio(left, left + (1 - sensitivity) * prevalence),
    }


def patient_sums(
    cases: Cases, rows: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> FloatArray:
    """Sums of (k, n) values by patient.

    Returns:
        (patients, k).

    >>> patient_sums(Cases.of([0, 1, 1], [0, 1, 1], "aba"), np.array([[1.0, 2.0, 3.0]])).tolist()
    [[4.0], [2.0]]
    """
    columns = [np.bincount(cases.codes, weights=row, minlength=cases.n_patients) for row in rows]
    return np.stack(columns, axis=1)


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """A quotient; NaN where there is nothing to divide by.

    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    found = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def _grouped(weights: FloatArray, starts: CodeArray) -> FloatArray:
    """Sums over images of equal score."""
    if len(starts) == weights.shape[1]:
        return weights
    return np.add.reduceat(weights, starts, axis=1)
