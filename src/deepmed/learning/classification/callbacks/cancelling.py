import time
from collections.abc import Callable
from typing import Any

from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.errors import TrainingCancelledError


class CancellationCallback(Watcher):
    """Ends a training at the next batch after somebody asked for it.

    Args:
        wanted: whether somebody did; asked at most once in ``every`` seconds.
        every: seconds.

    Example:
        >>> CancellationCallback(lambda: False).every
        1.0
    """

    def __init__(self, wanted: Callable[[], bool], every: float = 1.0) -> None:
        self.wanted = wanted
        self.every = every
        self._asked = -float("inf")

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Ask."""
        del trainer, pl_module, batch, batch_idx
        self._ask()

    def on_validation_batch_start(
        self,
        trainer: Any,
        pl_module: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Ask."""
        del trainer, pl_module, batch, batch_idx, dataloader_idx
        self._ask()

    def _ask(self) -> None:
        if time.monotonic() - self._asked < self.every:
            return
        self._asked = time.monotonic()
        if self.wanted():
            raise TrainingCancelledError(
                "The training was cancelled. What was learned up to its last finished epoch is "
                "kept; resume it to go on from there."
            )
