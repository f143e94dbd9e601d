"""One training on prepared drawings: fit, calibrate on the children of the test part, measure."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.preparing import TrainingData
from deepmed.learning.autoencoder import TrainingConfig as NetworkConfig
from deepmed.learning.autoencoder.enhanced import EnhancedAutoencoderTrainer
from deepmed.learning.autoencoder.monitoring import TrainingProgressMonitor
from deepmed.learning.calibration.conformal import CalibrationSet
from deepmed.learning.detectors import AutoencoderDetector
from deepmed.learning.errors import ModelLoadingError
from deepmed.learning.reference import Layout, Reference, ReferenceModel, Rows

Checkpoint = dict[str, Tensor]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Checkpoints:
    """Where a fit goes on from, and what is given every few epochs."""

    found: Checkpoint | None = None
    keep: Callable[[Checkpoint], None] | None = None


@dataclass(frozen=True)
class Fitted:
    """A fitted detector and how it came about; `seconds` are those of the fit in this run."""

    config: TrainingConfig
    detector: AutoencoderDetector
    history: list[dict[str, Any]]
    device: dict[str, Any]
    seconds: float
    resumed: bool

    @property
    def layout(self) -> Layout:
        return Layout(self.config.data.layout)

    def scores(self, rows: Rows) -> Floats:
        """(n,) float64, higher is more unusual."""
        if not len(rows):
            return np.zeros(0)
        found: Floats = self.detector.score_samples(rows.columns(self.layout))
        return found


def network_config(config: TrainingConfig) -> NetworkConfig:
    """The same settings in the learning library's words."""
    model, optimizer, scheduler = config.model, config.optimizer, config.scheduler
    return NetworkConfig(
        hidden_dims=model.hidden_dims,
        activation=model.activation,
        input_noise=model.input_noise,
        learning_rate=optimizer.learning_rate,
        weight_decay=optimizer.weight_decay,
        momentum=optimizer.momentum,
        gradient_clip=optimizer.gradient_clip,
        optimizer=optimizer.type.value,
        scheduler=scheduler.type.value,
        scheduler_step=scheduler.step_size,
        scheduler_gamma=scheduler.gamma,
        loss=config.loss.value,
        batch_size=config.batch_size,
        epochs=config.epochs,
        patience=config.patience,
        min_delta=config.min_delta,
        seed=config.seed % 2**31,
        device=config.device,
    )


def fit(
    config: TrainingConfig,
    data: TrainingData,
    monitor: TrainingProgressMonitor | None = None,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Fit the training part while the validation part watches; nothing else is looked at.

    A checkpoint of other drawings or settings is left alone, and the fit begins anew.

    Raises:
        AutoencoderTrainingError: it diverged beyond recovery.
    """
    kept = checkpoints or Checkpoints()
    try:
        return _fit(config, data, monitor, kept)
    except ModelLoadingError:
        return _fit(config, data, monitor, Checkpoints(None, kept.keep))


def calibrated(fitted: Fitted, data: TrainingData) -> ReferenceModel:
    """The detector with the children of the test part to rank against: no choice has seen them."""
    test, layout = data.part("test"), fitted.layout
    known = {*data.part("train").children.tolist(), *data.part("validation").children.tolist()}
    age = float(np.median(data.part("train").ages)) if layout is Layout.AGE else None
    neutral = (
        None if age is None else CalibrationSet(fitted.scores(test.at_age(age)), test.children)
    )
    reference = Reference(
        lambda: fitted.detector,
        CalibrationSet(fitted.scores(test), test.children),
        test.drawings,
        neutral,
    )
    return ReferenceModel(
        encoder=data.encoder,
        layout=layout,
        dimension=test.vectors.shape[1],
        model=reference,
        twin=None,
        fit_children=frozenset(known),
        borrowed_children=frozenset(),
        neutral_age=age,
    )


def _fit(
    config: TrainingConfig,
    data: TrainingData,
    monitor: TrainingProgressMonitor | None,
    kept: Checkpoints,
) -> Fitted:
    network, layout = network_config(config), Layout(config.data.layout)
    trainer = EnhancedAutoencoderTrainer(network, monitor)
    train = data.part("train")
    began = time.perf_counter()
    detector = AutoencoderDetector(network).fit(
        train.columns(layout),
        children=train.children,
        slots=layout.slots,
        validation=data.part("validation").columns(layout),
        checkpoint=kept.found,
        on_checkpoint=kept.keep,
        trainer=trainer,
    )
    return Fitted(
        config,
        detector,
        trainer.monitor.get_history(),
        trainer.device_manager.device_info,
        time.perf_counter() - began,
        resumed=kept.found is not None,
    )
