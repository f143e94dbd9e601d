"""A model of what is typical in a group, and how it ranks a drawing (D-9, D-10, D-26)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from deepmed.kit import seeds
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.decision import (
    BORDERLINE,
    Decision,
    decide,
    in_sample_decision,
    ranked_only,
)
from deepmed.learning.calibration.split import MINIMUM_FIT
from deepmed.learning.detectors import AutoencoderDetector, Detector, make_detector
from deepmed.learning.errors import EncoderMismatchError, InsufficientDataError
from deepmed.learning.reference.plan import GroupPlan, Half
from deepmed.learning.reference.rows import Floats, Layout, Rows
from deepmed.learning.reference.watching import FitWatch

Who = int | AbstractSet[int]
"""A drawing's child; or several, where the very same picture was handed in under several names."""


class Role(StrEnum):
    """What a drawing's child was to a model."""

    FIT = "fit"
    CALIBRATION = "calibration"
    NEW = "new"


@dataclass(frozen=True)
class Reference:
    """A fitted detector and the children it is calibrated on."""

    detector: Detector
    calibration: CalibrationSet
    calibration_drawings: NDArray[np.int64]
    neutral: CalibrationSet | None = None
    """The same drawings scored at the neutral age; None where the age is no column."""

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
        return _scores(reference.detector, rows, self.layout)

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


def fit_reference(
    plan: GroupPlan,
    detector: str,
    encoder: str,
    layout: Layout,
    seed: int,
    *,
    watch: FitWatch | None = None,
) -> ReferenceModel:
    """Fit the model and its twin as planned, and calibrate both.

    Args:
        plan: who fits and who calibrates.
        detector: name in the registry of detectors.
        encoder: identity key of the encoder that made the vectors.
        layout: columns beside the vectors.
        seed: seed of the run.
        watch: looks on, and keeps checkpoints.

    Raises:
        InsufficientDataError: fewer than 10 drawings to fit on, or nobody to calibrate on.
    """
    if len(plan.model.training) < MINIMUM_FIT:
        raise InsufficientDataError(
            f"{len(plan.model.training)} drawings are left to fit on, and {MINIMUM_FIT} are the "
            "least. Nothing was trained. Add drawings of this age or merge it with a neighbour."
        )
    borrowed = frozenset(plan.model.borrowed.children.tolist())
    neutral_age = float(np.median(plan.model.training.ages)) if layout is Layout.AGE else None
    fitting = partial(_Fitting, detector, seed, watch or FitWatch())
    return ReferenceModel(
        encoder=encoder,
        layout=layout,
        dimension=plan.model.fit.vectors.shape[1],
        model=_calibrated(plan.model, fitting("model"), layout, neutral_age),
        twin=None if plan.twin is None else _calibrated(plan.twin, fitting("twin"), layout),
        fit_children=frozenset(plan.fit_children),
        borrowed_children=borrowed,
        neutral_age=neutral_age,
    )


def _everyone(child: Who | Sequence[int]) -> frozenset[int]:
    return frozenset([child] if isinstance(child, int) else child)


@dataclass(frozen=True)
class _Fitting:
    """How the detector of the model, or of its twin, is made."""

    name: str
    seed: int
    watch: FitWatch
    part: str

    def fit(self, training: Rows, layout: Layout) -> Detector:
        detector = make_detector(
            self.name, seed=seeds.derive(self.seed, "detector", self.part) % 2**31
        )
        columns = training.columns(layout)
        if not isinstance(detector, AutoencoderDetector):
            return detector.fit(columns, children=training.children, slots=layout.slots)
        return detector.fit(
            columns,
            children=training.children,
            slots=layout.slots,
            progress=partial(self.watch.epoch, self.part),
            checkpoint=self.watch.load(self.part),
            on_checkpoint=partial(self.watch.save, self.part),
        )


def _calibrated(
    half: Half, fitting: _Fitting, layout: Layout, neutral_age: float | None = None
) -> Reference:
    detector = fitting.fit(half.training, layout)
    own = half.calibration
    neutral = None
    if neutral_age is not None:
        at_one_age = _scores(detector, own.at_age(neutral_age), layout)
        neutral = CalibrationSet(at_one_age, own.children)
    return Reference(
        detector,
        CalibrationSet(_scores(detector, own, layout), own.children),
        own.drawings,
        neutral,
    )


def _at(rows: Rows, age: float | None) -> Rows:
    return rows if age is None else rows.at_age(age)


def _scores(detector: Detector, rows: Rows, layout: Layout) -> Floats:
    # A small group may have nobody to calibrate on, and estimators refuse a table without rows.
    if not len(rows):
        return np.zeros(0)
    scores: Floats = detector.score_samples(rows.columns(layout))
    return scores
