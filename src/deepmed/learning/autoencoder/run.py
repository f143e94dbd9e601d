"""The state of one training run, and one epoch of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deepmed.kit import seeds
from deepmed.learning.autoencoder import checkpoints
from deepmed.learning.autoencoder.config import TrainingConfig
from deepmed.learning.autoencoder.model import AutoencoderModel
from deepmed.learning.autoencoder.optimization import (
    loss_function,
    make_optimizer,
    scheduled_share,
)
from deepmed.learning.autoencoder.stopping import EarlyStopping
from deepmed.learning.device import DeviceManager
from deepmed.learning.errors import AutoencoderTrainingError


@dataclass(frozen=True)
class BatchReport:
    """What is known after a step of the optimiser; the loss is the batch's own."""

    epoch: int
    batch: int
    batches: int
    loss: float
    learning_rate: float


OnBatch = Callable[[BatchReport], None]


def _silent(_report: BatchReport) -> None:
    """Nobody is told."""


class TrainingRun:
    """Model, optimiser, random stream and history of a run between two epochs.

    Args:
        config: Settings of the run.
        fitting: Rows that are fitted, shape (n, D), float32.
        watching: Rows that watch for early stopping, shape (m, D); m = 0 watches the former.
        data_digest: SHA-256 of all rows, to know a foreign checkpoint by.
        on_batch: Told of every step.
    """

    def __init__(
        self,
        config: TrainingConfig,
        fitting: npt.NDArray[np.float32],
        watching: npt.NDArray[np.float32],
        data_digest: bytes,
        on_batch: OnBatch | None = None,
    ) -> None:
        self.config = config
        self.on_batch = on_batch or _silent
        self.loss = loss_function(config.loss)
        self.device = DeviceManager(config.device).device
        self.fitting = torch.from_numpy(fitting).to(self.device)
        self.watching = torch.from_numpy(watching).to(self.device)
        self.digest = hashlib.sha256(config.model_dump_json().encode() + data_digest).digest()
        self.model = _new_model(config, fitting.shape[1]).to(self.device)
        self.optimizer = make_optimizer(config, self.model.parameters())
        self.random = torch.Generator().manual_seed(
            seeds.derive(config.seed, "autoencoder", "order")
        )
        self.stopping = EarlyStopping(config.patience, config.min_delta, config.max_recoveries)
        self.epoch = 0
        self.train_losses: list[float] = []
        self.validation_losses: list[float] = []
        # The untrained weights are the first "best": an explosion in epoch 1 can be undone.
        self.stopping.update(0, self._watched_loss(), self.model)
        self._refuse_hopeless_start()

    @property
    def learning_rate(self) -> float:
        """The step size now, after the schedule and the recoveries so far."""
        return float(self.optimizer.param_groups[0]["lr"])

    def advance(self) -> None:
        """Train one epoch; afterwards the history has one entry more.

        Raises:
            AutoencoderTrainingError: The loss exploded more often than is recovered from.
        """
        self.epoch += 1
        self._follow_schedule()
        train_loss = self._fit_epoch()
        watched = self._watched_loss()
        self.train_losses.append(train_loss)
        if len(self.watching):
            self.validation_losses.append(watched)
        if self.stopping.is_exploding(train_loss, watched):
            self.stopping.recover(self.model, self.optimizer)
        else:
            self.stopping.update(self.epoch, watched, self.model)

    def result(self) -> dict[str, Any]:
        """Close the run: the best weights go into the model; see ``AutoencoderTrainer.train``."""
        checkpoint = self.checkpoint()
        self.stopping.restore(self.model)
        return {
            "model": self.model.cpu().eval(),
            "train_losses": self.train_losses,
            "validation_losses": self.validation_losses,
            "best_epoch": self.stopping.best_epoch,
            "best_loss": self.stopping.best_loss,
            "epochs_run": self.epoch,
            "recoveries": self.stopping.recoveries,
            "fit_rows": len(self.fitting),
            "validation_rows": len(self.watching),
            "architecture": self.model.get_architecture_info(),
            "config": self.config,
            "checkpoint": checkpoint,
        }

    def checkpoint(self) -> dict[str, Tensor]:
        """Everything that the next epoch depends on, as a flat dict of CPU tensors."""
        return checkpoints.pack(self)

    def resume(self, checkpoint: dict[str, Tensor]) -> None:
        """Continue where the checkpoint was taken.

        Raises:
            ModelLoadingError: It is damaged, or of other embeddings or settings.
        """
        checkpoints.unpack(checkpoint, self)

    def _follow_schedule(self) -> None:
        if self.config.scheduler == "none":
            return  # recoveries alone move the step size, as they find it
        kept = self.stopping.learning_rate_factor**self.stopping.recoveries
        share = scheduled_share(self.config, self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * share * kept

    def _fit_epoch(self) -> float:
        """One pass over the fitted rows in random order; the mean loss, or NaN on the way out."""
        self.model.train()
        order = torch.randperm(len(self.fitting), generator=self.random).to(self.device)
        batches = torch.split(order, self.config.batch_size)
        total = 0.0
        for done, rows in enumerate(batches, 1):
            loss = self._step(self.fitting[rows])
            total += loss * len(rows)
            if not np.isfinite(loss):
                break
            self.on_batch(BatchReport(self.epoch, done, len(batches), loss, self.learning_rate))
        return total / len(self.fitting)

    def _step(self, batch: Tensor) -> float:
        """One step of the optimiser; not finite when no step could be made."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self._noisy(batch)), batch)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        if not torch.isfinite(norm):
            return float("nan")
        self.optimizer.step()
        return float(loss.detach())

    def _noisy(self, batch: Tensor) -> Tensor:
        if not self.config.input_noise:
            return batch
        noise = torch.randn(batch.shape, generator=self.random).to(self.device)
        return batch + self.config.input_noise * noise

    def _watched_loss(self) -> float:
        rows = self.watching if len(self.watching) else self.fitting
        self.model.eval()
        with torch.no_grad():
            return float(self.loss(self.model(rows), rows))

    def _refuse_hopeless_start(self) -> None:
        if not np.isfinite(self.stopping.first_loss):
            raise AutoencoderTrainingError(
                "The embeddings are too large for float32 training; no model was trained. "
                "Standardise them first."
            )


def _new_model(config: TrainingConfig, input_dim: int) -> AutoencoderModel:
    return AutoencoderModel(
        input_dim,
        config.layer_widths(input_dim),
        config.activation,
        seeds.derive(config.seed, "autoencoder", "weights"),
    )
