from typing import Any

from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.events import EventStream


class LearningRateMonitor(Watcher):
    """Says the step size at the start of each epoch in which it is another one.

    Args:
        stream: where it is said.

    Example:
        >>> LearningRateMonitor(EventStream([])).last is None
        True
    """

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self.last: float | None = None

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Say it where it changed."""
        del pl_module
        rate = learning_rate(trainer)
        if rate == self.last or not trainer.is_global_zero:
            return
        self.last = rate
        configured = trainer.lr_scheduler_configs
        self.stream.emit(
            "lr_update",
            {
                "current_lr": rate,
                "step": trainer.global_step,
                "epoch": trainer.current_epoch + 1,
                "scheduler_type": type(configured[0].scheduler).__name__ if configured else None,
            },
        )


def learning_rate(trainer: Any) -> float:
    """The step size that the next step takes."""
    return float(trainer.optimizers[0].param_groups[0]["lr"])
