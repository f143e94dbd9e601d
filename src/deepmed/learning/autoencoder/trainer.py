"""Training of the autoencoder on plain tensors: seeded, resumable, cancellable."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from deepmed.kit import seeds
from deepmed.learning.autoencoder.config import TrainingConfig
from deepmed.learning.autoencoder.run import OnBatch, TrainingRun
from deepmed.learning.errors import AutoencoderTrainingError, InsufficientDataError

MINIMUM_ROWS = 2
# Below this many rows each is needed for fitting and the training loss is watched instead.
MINIMUM_ROWS_TO_VALIDATE = 5


@dataclass(frozen=True)
class EpochReport:
    """What is known after an epoch; losses are the config's, an element."""

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float


class AutoencoderTrainer:
    """Trainer for autoencoder models.

    Same seed, same embeddings and same number of threads give the same weights, bit for bit, also
    through a checkpoint. Torch's global random numbers are neither read nor moved.

    Args:
        config: Settings of the run; the defaults when None.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(20, 8))
        >>> result = AutoencoderTrainer(TrainingConfig(epochs=5)).train(rows)
        >>> result["epochs_run"], len(result["train_losses"]), result["validation_rows"]
        (5, 5, 4)
    """

    def __init__(self, config: TrainingConfig | None = None) -> None:
        self.config = config or TrainingConfig()

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
        """Train an autoencoder on the embeddings of the fitting part.

        The rows that watch for early stopping come out of these embeddings, unless `validation`
        brings them; nothing else is looked at.

        Args:
            embeddings: Shape (n, D), n >= 2, finite, standardised (``AutoencoderDetector`` does
                it); trained on in float32.
            progress: Called after every epoch.
            should_stop: Asked after every epoch; True ends training with the best weights so far.
            children: The child of each row; a child's rows then all fit or all watch.
            validation: Shape (m, D), rows of other children, standardised likewise, that watch;
                then all of the embeddings are fitted. With m = 0 the training loss is watched.
            checkpoint: What ``on_checkpoint`` was given by an interrupted run on the same
                embeddings with the same config.
            on_checkpoint: Given a flat dict of tensors (safetensors can store it) every
                ``checkpoint_every`` epochs and when stopped.
            checkpoint_every: Epochs between checkpoints.
            on_batch: Told after every step that could be made.

        Returns:
            ``model`` (the best weights, on the CPU, in evaluation mode), ``train_losses`` and
            ``validation_losses`` per epoch (the latter empty without validation rows),
            ``best_epoch`` (0 = before training), ``best_loss``, ``epochs_run``, ``stop_reason``
            (``"epochs"``, ``"patience"`` or ``"asked"``), ``recoveries``, ``fit_rows``,
            ``validation_rows``, ``seconds``, ``architecture``, ``config`` and ``checkpoint``.

        Raises:
            InsufficientDataError: Fewer than two rows.
            AutoencoderTrainingError: Values are not finite, or training diverged for good.
            ModelLoadingError: The checkpoint is damaged or of another run.
        """
        started = time.perf_counter()
        rows = _checked_rows(embeddings)
        if validation is None:
            mask = validation_mask(len(rows), self.config, children)
            fitting, watching, digest = rows[~mask], rows[mask], _fingerprint(rows)
        else:
            fitting, watching = rows, _checked_watching(validation, rows.shape[1])
            digest = _fingerprint(fitting) + _fingerprint(watching)
        run = TrainingRun(self.config, fitting, watching, digest, on_batch)
        if checkpoint is not None:
            run.resume(checkpoint)
        reason = self._loop(run, progress, should_stop, on_checkpoint, checkpoint_every)
        return run.result() | {"stop_reason": reason, "seconds": time.perf_counter() - started}

    def _loop(
        self,
        run: TrainingRun,
        progress: Callable[[EpochReport], None] | None,
        should_stop: Callable[[], bool] | None,
        on_checkpoint: Callable[[dict[str, Tensor]], None] | None,
        checkpoint_every: int,
    ) -> str:
        while run.epoch < self.config.epochs and not run.stopping.should_stop:
            run.advance()
            if progress is not None:
                progress(_report(run))
            asked = should_stop is not None and should_stop()
            if on_checkpoint is not None and (asked or run.epoch % checkpoint_every == 0):
                on_checkpoint(run.checkpoint())
            if asked:
                return "asked"
        return "patience" if run.stopping.should_stop else "epochs"


def validation_mask(
    count: int,
    config: TrainingConfig,
    children: Sequence[Any] | npt.NDArray[Any] | None = None,
) -> npt.NDArray[np.bool_]:
    """Which of ``count`` rows only watch: a seeded share of them, or of the children.

    Example:
        >>> validation_mask(10, TrainingConfig(validation_share=0.2)).sum()
        np.int64(2)
    """
    owners = np.arange(count) if children is None else np.unique(children, return_inverse=True)[1]
    if len(owners) != count:
        raise ValueError(f"{count} embeddings, but {len(owners)} children.")
    groups = int(owners.max()) + 1
    if min(groups, count) < MINIMUM_ROWS_TO_VALIDATE or not config.validation_share:
        return np.zeros(count, dtype=bool)
    watching = max(1, round(config.validation_share * groups))
    order = seeds.generator(config.seed, "autoencoder", "validation").permutation(groups)
    return np.isin(owners, order[:watching])


def _checked_rows(embeddings: npt.ArrayLike) -> npt.NDArray[np.float32]:
    rows = np.asarray(embeddings, dtype=np.float32)
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(f"Embeddings must have shape (n, D), got {rows.shape}.")
    if len(rows) < MINIMUM_ROWS:
        raise InsufficientDataError(
            f"An autoencoder needs at least {MINIMUM_ROWS} embeddings, got {len(rows)}."
        )
    if not np.isfinite(rows).all():
        raise AutoencoderTrainingError(
            "Some embeddings hold values that are not finite; no model was trained. "
            "Embed those drawings again."
        )
    return rows


def _checked_watching(validation: npt.ArrayLike, width: int) -> npt.NDArray[np.float32]:
    rows = np.asarray(validation, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"Validation rows must have shape (m, {width}), got {rows.shape}.")
    if not np.isfinite(rows).all():
        raise AutoencoderTrainingError(
            "Some validation embeddings hold values that are not finite; no model was trained. "
            "Embed those drawings again."
        )
    return rows


def _fingerprint(rows: npt.NDArray[np.float32]) -> bytes:
    return hashlib.sha256(str(rows.shape).encode() + rows.tobytes()).digest()


def _report(run: TrainingRun) -> EpochReport:
    return EpochReport(
        epoch=run.epoch,
        epochs=run.config.epochs,
        train_loss=run.train_losses[-1],
        validation_loss=run.validation_losses[-1] if run.validation_losses else None,
        learning_rate=run.learning_rate,
    )
