"""How far a training is, for whoever watches it."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from deepmed.learning.errors import LearningError


class TrainingProgressError(LearningError):
    """Progress was reported in an order that no training has."""


@dataclass(frozen=True)
class TrainingProgress:
    """A moment of a training.

    Attributes:
        epoch: The epoch that runs or has just ended, from 1.
        total_epochs: Most epochs there will be; early stopping may end before.
        batch: Batches done in this epoch.
        total_batches: Batches of an epoch.
        train_loss: Loss of the last batch, or the epoch's mean at its end; None before the first.
        val_loss: Loss of the rows that watch after the last epoch that ended; None without any.
        learning_rate: Step size; None before it is known.
        elapsed_time: Seconds since the monitor was made.
        estimated_remaining: Seconds to go if all epochs run as fast as those so far; None before
            the first batch.
    """

    epoch: int
    total_epochs: int
    batch: int
    total_batches: int
    train_loss: float | None
    val_loss: float | None
    learning_rate: float | None
    elapsed_time: float
    estimated_remaining: float | None

    @property
    def epoch_progress(self) -> float:
        """Percent of all batches of all epochs that are done.

        Example:
            >>> TrainingProgress(2, 4, 1, 2, 0.5, None, 0.1, 1.0, None).epoch_progress
            37.5
        """
        return 100 * (self.epoch - 1 + self.batch / self.total_batches) / self.total_epochs

    @property
    def batch_progress(self) -> float:
        """Percent of this epoch's batches that are done."""
        return 100 * self.batch / self.total_batches

    def to_dict(self) -> dict[str, Any]:
        """All of it with both percentages, as JSON has it: a loss that exploded is None."""
        shares = {"epoch_progress": self.epoch_progress, "batch_progress": self.batch_progress}
        values = asdict(self) | shares
        return {name: value if _is_finite(value) else None for name, value in values.items()}


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


class TrainingProgressMonitor:
    """Monitor training progress, and tell it as it happens.

    A loop calls ``start_epoch``, ``update_batch`` after each batch and ``update_epoch`` at the
    end of each epoch. What a callback raises ends the training.

    Args:
        total_epochs: Most epochs there will be.
        clock: Seconds that only ever grow.

    Example:
        >>> monitor = TrainingProgressMonitor(total_epochs=2, clock=iter(range(9)).__next__)
        >>> monitor.start_epoch(1, total_batches=2)
        >>> monitor.update_batch(1, train_loss=0.9, learning_rate=0.01)
        >>> monitor.get_latest_progress().epoch_progress
        25.0
        >>> monitor.update_epoch(1, train_loss=0.8, val_loss=0.7)
        >>> [(one["epoch"], one["val_loss"]) for one in monitor.get_history()]
        [(1, 0.7)]
    """

    def __init__(self, total_epochs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total_epochs = total_epochs
        self._clock = clock
        self._began = clock()
        self._callbacks: list[Callable[[TrainingProgress], None]] = []
        self._history: list[dict[str, Any]] = []
        self._latest: TrainingProgress | None = None
        self._first_epoch: int | None = None
        self._epoch = self._batches = 0
        self._val_loss: float | None = None
        self._rate: float | None = None
        self._stopped = False

    def add_callback(self, callback: Callable[[TrainingProgress], None]) -> None:
        """Call this with every update, in the order in which callbacks were added."""
        self._callbacks.append(callback)

    def start_epoch(self, epoch: int, total_batches: int) -> None:
        """Mark the start of an epoch.

        Raises:
            TrainingProgressError: It is not after the last one, or has no batch.
        """
        if epoch <= self._epoch or total_batches < 1:
            raise TrainingProgressError(
                f"Epoch {epoch} with {total_batches} batches cannot follow epoch {self._epoch}."
            )
        self._epoch, self._batches = epoch, total_batches
        if self._first_epoch is None:
            self._first_epoch = epoch  # a resumed training begins in the middle
        self._tell(0, None)

    def update_batch(self, batch: int, train_loss: float, learning_rate: float) -> None:
        """A batch of the epoch is done.

        Raises:
            TrainingProgressError: No epoch was started, or it has not so many batches.
        """
        if not 1 <= batch <= self._batches:
            raise TrainingProgressError(f"There is no batch {batch} of {self._batches}.")
        self._rate = learning_rate
        self._tell(batch, train_loss)

    def update_epoch(self, epoch: int, train_loss: float, val_loss: float | None) -> None:
        """The epoch has ended.

        Raises:
            TrainingProgressError: It is not the one that was started.
        """
        if epoch != self._epoch:
            raise TrainingProgressError(f"Epoch {epoch} ended, but {self._epoch} was started.")
        self._val_loss = val_loss
        self._history.append(
            {
                "epoch": epoch,
                "train_loss": train_loss,
                "val_loss": val_loss,
                "learning_rate": self._rate,
            }
        )
        self._tell(self._batches, train_loss)

    def get_latest_progress(self) -> TrainingProgress | None:
        """The last update; None before the first."""
        return self._latest

    def get_history(self) -> list[dict[str, Any]]:
        """Every epoch that ended: ``epoch``, ``train_loss``, ``val_loss``, ``learning_rate``."""
        return [dict(one) for one in self._history]

    def stop(self) -> None:
        """Tell nobody any more; what was noted can still be read."""
        self._stopped = True

    def _tell(self, batch: int, train_loss: float | None) -> None:
        elapsed = self._clock() - self._began
        self._latest = TrainingProgress(
            self._epoch,
            self.total_epochs,
            batch,
            self._batches,
            train_loss,
            self._val_loss,
            self._rate,
            elapsed,
            self._remaining(batch, elapsed),
        )
        for callback in () if self._stopped else self._callbacks:
            callback(self._latest)

    def _remaining(self, batch: int, elapsed: float) -> float | None:
        before = (self._first_epoch or 1) - 1
        done = self._epoch - 1 - before + batch / self._batches
        to_go = self.total_epochs - before - done
        return elapsed / done * to_go if done > 0 else None
