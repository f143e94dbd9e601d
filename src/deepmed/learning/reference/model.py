"""A model of what is typical in a group, and how it ranks a drawing (D-9, D-10, D-26).

What only ranks does not wait for the detectors' libraries: a detector is read when something is
scored first.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.decision import (
    BORDERLINE,
    Decision,
    decide,
    in_sample_decision,
    ranked_only,
)
from deepmed.learning.errors import EncoderMismatchError, InsufficientDataError
from deepmed.learning.reference.rows import Floats, Layout, Rows

if TYPE_CHECKING:
    from deepmed.learning.detectors import Detector

Who = int | AbstractSet[int]
"""A drawing's child; or several, where the very same picture was handed in under several names."""


class Role(StrEnum):
    """What a drawing's child was to a model."""

    FIT = "fit"
    CALIBRATION = "calibration"
    NEW = "new"


@dataclass(frozen=True)
class Reference:
    """A fitted detector and the children it is calibrated on.

    Attributes:
        read: gives the detector, the same one each time.
        calibration: the children's scores under it.
        calibration_drawings: the drawings of these scores, in their order.
    """

    read: "Callable[[], Detector]"
    calibration: CalibrationSet
    calibration_drawings: NDArray[np.int64]
    neutral: CalibrationSet | None = None
    """The same drawings scored at the neutral age; None where the age is no column."""

    @property
    def detector(self) -> "Detector":
        """The fitted detector; where it was not read yet, it is now."""
        return self.read()

    @property
    def across_ages(self) -> CalibrationSet:
        """The ranking for drawings of other ages: the age itself has no say in it."""
        return self.calibration if self.neutral is None else self.neutral

    @cached_property
    def children(self) -> frozenset[int]:
        """The children who calibrate."""
        return frozenset(int(str(child)) for child in self.calibration.children)


@dataclass(frozen=True)
class ReferenceModel:
    """A model and its twin, with the parts that everyone had in them.

    Attributes:
        encoder: identity key of the encoder whose vectors the model takes.
        layout: the columns beside the encoder's vector.
        dimension: length of the encoder's vector.
        model: scores new drawings and those of calibration children.
        twin: scores drawings of the children that the model was fitted on; may be absent.
        fit_children: children that the model was fitted on.
        borrowed_children: those among them who belong to other groups.
        neutral_age: median age of the fitting part; None where the age is no column.
    """

    encoder: str
    layout: Layout
    dimension: int
    model: Reference
    twin: Reference | None
    fit_children: frozenset[int]
    borrowed_children: frozenset[int]
    neutral_age: float | None = None

    def role(self, child: Who) -> Role:
        """The role of a child for this model; borrowed children count as fit.

        Of several children the one decides who was closest to the fitting: what holds for one
        copy of a picture holds for all.
        """
        everyone = _everyone(child)
        if everyone & self.fit_children:
            return Role.FIT
        return Role.CALIBRATION if everyone & self.model.children else Role.NEW

    def reference_for(self, child: Who) -> Reference | None:
        """Which of model and twin may score this child's drawings; None: neither."""
        if self.role(child) is not Role.FIT:
            return self.model
        # Whoever took part in the model and does not calibrate the twin may have fitted the twin.
        known = _everyone(child) & (self.fit_children | self.model.children)
        return self.twin if self.twin and known <= self.twin.children else None

    def score(self, rows: Rows, encoder: str, *, twin: bool = False) -> Floats:
        """Scores of rows, (n,) float64, higher is more unusual.

        Raises:
            EncoderMismatchError: the vectors come from another encoder.
        """
        if encoder != self.encoder:
            raise EncoderMismatchError(
                f"This model takes vectors of the encoder {self.encoder}, and these come from "
                f"{encoder}. Nothing was scored. Embed the drawings again with the model's "
                "encoder, or train a model on these."
            )
        reference = self.twin if twin else self.model
        if reference is None:
            raise InsufficientDataError("This model has no twin: too few drawings to fit one.")
        return scores_of(reference.detector, rows, self.layout)

    def score_across_ages(self, rows: Rows, encoder: str) -> Floats:
        """Scores of drawings of whatever age, (n,) float64, ranked by `model.across_ages`.

        Where the age is a column, every drawing is given the neutral age: an age outside the
        fitted range would be unusual by itself, whatever the drawing shows.

        Raises:
            EncoderMismatchError: the vectors come from another encoder.
        """
        return self.score(_at(rows, self.neutral_age), encoder)

    def score_shift(self, rows: Rows, *, twin: bool = False) -> Floats:
        """How far each score can move when its embedding is made anew on other hardware, (n,)."""
        reference = self.twin if twin else self.model
        if reference is None or not len(rows):
            return np.zeros(len(rows))
        radius = BORDERLINE * np.linalg.norm(rows.vectors.astype(np.float64), axis=1)
        shift: Floats = reference.detector.score_shift(
            rows.columns(self.layout), radius, self.dimension
        )
        return shift

    def decide(
        self,
        score: float | None,
        child: Who,
        percentile: float,
        manual: float | None = None,
        *,
        shift: float = 0.0,
    ) -> Decision:
        """The decision on a score that the right one of model and twin gave.

        Drawings of calibration children, of the model or of the twin, are ranked against the
        other children; a child whom no reference may score gets no flag. `shift` as in
        `calibration.decide`.
        """
        reference = self.reference_for(child)
        if reference is None or score is None:
            return in_sample_decision(
                "The model was fitted on drawings of this child and there is no twin to rank them."
            )
        own = sorted(_everyone(child) & reference.children)
        others = without(reference.calibration, own[1:])
        first = own[0] if own else None
        if manual is not None and reference is self.twin:
            return ranked_only(
                decide(others, score, percentile, first),
                "A threshold set by hand is on the model's scale, and the model was fitted on this "
                "child, so only the twin may score the drawing: it has a rank, and no flag.",
            )
        return decide(others, score, percentile, first, manual, shift=shift)


def without(calibration: CalibrationSet, child: Who | Sequence[int]) -> CalibrationSet:
    """The ranking without a child, or several; those who do not calibrate change nothing.

    Example:
        >>> without(CalibrationSet([1.0, 2.0, 3.0], [7, 8, 9]), {8, 9, 10}).children
        (7,)
    """
    for one in sorted(_everyone(child)):
        calibration = calibration.removed(one)
    return calibration


def _everyone(child: Who | Sequence[int]) -> frozenset[int]:
    return frozenset([child] if isinstance(child, int) else child)


def _at(rows: Rows, age: float | None) -> Rows:
    return rows if age is None else rows.at_age(age)


def scores_of(detector: "Detector", rows: Rows, layout: Layout) -> Floats:
    """Scores of rows by a detector that was fitted on columns of this layout, (n,) float64."""
    # A small group may have nobody to calibrate on, and estimators refuse a table without rows.
    if not len(rows):
        return np.zeros(0)
    scores: Floats = detector.score_samples(rows.columns(layout))
    return scores
