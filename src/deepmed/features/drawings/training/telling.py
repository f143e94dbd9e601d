"""The losses of a training as it runs, a few epochs at a time."""

import math
import time
from collections.abc import Callable, Sequence

from deepmed.learning.autoencoder.monitoring import TrainingProgress, TrainingProgressMonitor

TELL_SECONDS = 0.25
Point = tuple[int, float, float | None]
"""Epoch, training loss, loss of the rows that watch."""
Tell = Callable[[Sequence[Point]], None]


def unheard(_points: Sequence[Point]) -> None:
    """Nobody listens."""


class EpochLosses:
    """Tells every epoch that ended once, at most four times a second."""

    def __init__(self, monitor: TrainingProgressMonitor, tell: Tell) -> None:
        self._monitor = monitor
        self._tell = tell
        self._told = 0
        self._last = 0.0
        monitor.add_callback(self._look)

    def flush(self) -> None:
        """Tell what was held back."""
        self._last = time.monotonic()
        ended = self._monitor.get_history()[self._told :]
        self._told += len(ended)
        points = [
            (one["epoch"], one["train_loss"], _finite(one["val_loss"]))
            for one in ended
            if _finite(one["train_loss"]) is not None
        ]
        if points:
            self._tell(points)

    def _look(self, progress: TrainingProgress) -> None:
        at_an_end = progress.batch == progress.total_batches
        if at_an_end and time.monotonic() - self._last >= TELL_SECONDS:
            self.flush()


def _finite(loss: float | None) -> float | None:
    """JSON has no way to write a loss that exploded."""
    return loss if loss is not None and math.isfinite(loss) else None
