"""The trainer with its monitor: every batch is told, and each part's errors are measured."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deepmed.learning.autoencoder.config import TrainingConfig
from deepmed.learning.autoencoder.model import AutoencoderModel
from deepmed.learning.autoencoder.monitoring import TrainingProgressMonitor
from deepmed.learning.autoencoder.run import BatchReport, OnBatch
from deepmed.learning.autoencoder.trainer import AutoencoderTrainer, EpochReport
from deepmed.learning.device import DeviceManager


class EnhancedAutoencoderTrainer(AutoencoderTrainer):
    """Enhanced autoencoder trainer with progress monitoring and device management.

    It makes the very weights that ``AutoencoderTrainer`` makes.

    Args:
        config: Settings of the run; the defaults when None.
        monitor: Told of every batch and epoch; one of its own when None.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(20, 8))
        >>> trainer = EnhancedAutoencoderTrainer(TrainingConfig(epochs=3))
        >>> result = trainer.train(rows[:15], validation=rows[15:])
        >>> [one["epoch"] for one in trainer.monitor.get_history()]
        [1, 2, 3]
        >>> result["metrics"]["validation"]["rows"]
        5
    """

    def __init__(
        self,
        config: TrainingConfig | None = None,
        monitor: TrainingProgressMonitor | None = None,
    ) -> None:
        super().__init__(config)
        self.monitor = monitor or TrainingProgressMonitor(self.config.epochs)
        self.device_manager = DeviceManager(self.config.device)

    def train(
        self,
        embeddings: npt.ArrayLike,
        progress: Callable[[EpochReport], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        *,
        children: Sequence[Any] | npt.NDArray[Any] | None = None,
        validation: npt.ArrayLike | None = None,
        checkpoint: dict[str, Tensor] | None = None,
        on_checkpoint: Callable[[dict[str, Tensor]], None] | None = None,
        checkpoint_every: int = 10,
        on_batch: OnBatch | None = None,
    ) -> dict[str, Any]:
        """Train as the base class does, with the monitor looking on.

        Returns:
            What the base class returns, and ``metrics`` (the reconstruction errors of the rows
            that came as `embeddings`, and of `validation` where it was given), ``history`` (of
            the monitor) and ``device``.
        """
        self.device_manager.optimize_for_training()

        def batch_told(report: BatchReport) -> None:
            if report.batch == 1:
                self.monitor.start_epoch(report.epoch, report.batches)
            self.monitor.update_batch(report.batch, report.loss, report.learning_rate)
            if on_batch is not None:
                on_batch(report)

        def epoch_told(report: EpochReport) -> None:
            latest = self.monitor.get_latest_progress()
            if latest is None or latest.epoch != report.epoch:  # its first step exploded
                self.monitor.start_epoch(report.epoch, 1)
            self.monitor.update_epoch(report.epoch, report.train_loss, report.validation_loss)
            if progress is not None:
                progress(report)

        result = super().train(
            embeddings,
            epoch_told,
            should_stop,
            children=children,
            validation=validation,
            checkpoint=checkpoint,
            on_checkpoint=on_checkpoint,
            checkpoint_every=checkpoint_every,
            on_batch=batch_told,
        )
        self.monitor.stop()
        return result | {
            "metrics": _metrics(result["model"], embeddings, validation),
            "history": self.monitor.get_history(),
            "device": self.device_manager.device_info,
        }


def set_metrics(errors: npt.ArrayLike) -> dict[str, Any]:
    """What a part's errors look like.

    Args:
        errors: (n,) squared reconstruction errors, each the mean over its elements.

    Returns:
        ``rows``, and ``mean``, ``median``, ``std``, ``min``, ``max`` and ``percentile_95``, None
        without rows.

    Example:
        >>> set_metrics([1.0, 2.0, 6.0])["median"]
        2.0
    """
    values = np.asarray(errors, dtype=np.float64)
    if not len(values):
        names = ("mean", "median", "std", "min", "max", "percentile_95")
        return {"rows": 0} | dict.fromkeys(names)
    return {
        "rows": len(values),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "percentile_95": float(np.percentile(values, 95)),
    }


def _metrics(
    model: AutoencoderModel, embeddings: npt.ArrayLike, validation: npt.ArrayLike | None
) -> dict[str, Any]:
    found = {"train": set_metrics(_errors(model, embeddings))}
    if validation is not None:
        found["validation"] = set_metrics(_errors(model, validation))
    return found


def _errors(model: AutoencoderModel, rows: npt.ArrayLike) -> npt.NDArray[np.float64]:
    inputs = torch.from_numpy(np.asarray(rows, dtype=np.float32))
    with torch.no_grad():
        errors: npt.NDArray[np.float64] = (
            (model(inputs) - inputs).double().square().mean(dim=1).numpy()
        )
    return errors
