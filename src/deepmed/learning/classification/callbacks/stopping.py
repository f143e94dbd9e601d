from typing import Any

from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason

from deepmed.learning.classification.bases import Stopper, Watcher
from deepmed.learning.classification.events import EventStream
from deepmed.learning.classification.settings import TrainingSettings


class EarlyStopping(Stopper):
    """Ends training when the monitored metric has not improved for some epochs.

    It looks right after validation, so that callbacks further down the list know.

    Args:
        settings: metric, patience, and the improvement that counts.

    Example:
        >>> EarlyStopping(TrainingSettings(monitor="val_loss")).mode
        'min'
    """

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__(
            monitor=settings.monitor,
            mode=settings.mode,
            patience=settings.patience,
            min_delta=settings.min_delta,
            check_on_train_epoch_end=False,
        )

    @property
    def stopped(self) -> bool:
        """Whether it ended the training."""
        return bool(self.stopping_reason != EarlyStoppingReason.NOT_STOPPED)

    @property
    def reason(self) -> str:
        """Why, in a sentence for people."""
        if self.stopping_reason == EarlyStoppingReason.NON_FINITE_METRIC:
            return f"{self.monitor} is not a number."
        epochs = "epoch" if self.patience == 1 else f"{self.patience} epochs"
        return f"{self.monitor} has not improved by {abs(self.min_delta):g} in the last {epochs}."


class EarlyStoppingSignalCallback(Watcher):
    """Says that the training ends early, once.

    Args:
        stopping: what ends it.
        stream: where it is said.

    Example:
        >>> stopping = EarlyStopping(TrainingSettings())
        >>> EarlyStoppingSignalCallback(stopping, EventStream([])).signalled
        False
    """

    def __init__(self, stopping: EarlyStopping, stream: EventStream) -> None:
        self.stopping = stopping
        self.stream = stream
        self.signalled = False

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Say it right after the epoch in which it was decided."""
        del pl_module
        if self.signalled or not self.stopping.stopped or not trainer.is_global_zero:
            return
        self.signalled = True
        self.stream.emit(
            "early_stopping",
            {
                "epoch": trainer.current_epoch + 1,
                "best_metric_value": float(self.stopping.best_score),
                "metric_name": self.stopping.monitor,
                "patience": self.stopping.patience,
                "reason": self.stopping.reason,
            },
        )
