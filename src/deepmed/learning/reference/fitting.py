"""Fitting a model and its twin, and calibrating both."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from deepmed.kit import seeds
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.calibration.split import MINIMUM_FIT
from deepmed.learning.detectors import AutoencoderDetector, Detector, make_detector
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference.model import Reference, ReferenceModel, scores_of
from deepmed.learning.reference.plan import GroupPlan, Half
from deepmed.learning.reference.rows import Layout, Rows
from deepmed.learning.reference.watching import FitWatch


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
        at_one_age = scores_of(detector, own.at_age(neutral_age), layout)
        neutral = CalibrationSet(at_one_age, own.children)
    return Reference(
        lambda: detector,
        CalibrationSet(scores_of(detector, own, layout), own.children),
        own.drawings,
        neutral,
    )
