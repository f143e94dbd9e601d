import time
from typing import Any

from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.callbacks.learning_rate import learning_rate
from deepmed.learning.classification.errors import TrainingCancelledError
from deepmed.learning.classification.events import EventStream, RunFacts
from deepmed.learning.classification.module import EPOCH_NUMBER
from deepmed.learning.classification.settings import TrainingSettings

_COUNTS = "_cm_"
"""In the names of the confusion matrix' cells."""


class MetricsCollectorCallback(Watcher):
    """Tells the run's course, from one source for all readers.

    Of each epoch it says ``epoch_start``, ``epoch_end`` of phase ``val`` with what validation
    found, and ``epoch_end`` of phase ``train`` with the whole epoch: that one is the row of tables
    and files. Epochs are counted from 1. An epoch that is repeated after a cut is said again, with
    new numbers; the later row holds.

    Args:
        stream: where it is said.
        settings: how is trained.
        run: what messages say about the run.

    Attributes:
        epoch_metrics: the rows so far, those before a resume too.

    Example:
        >>> MetricsCollectorCallback(EventStream([]), TrainingSettings()).epoch_metrics
        []
    """

    def __init__(
        self, stream: EventStream, settings: TrainingSettings, run: RunFacts | None = None
    ) -> None:
        self.stream = stream
        self.settings = settings
        self.run = run or RunFacts()
        self.epoch_metrics: list[dict[str, Any]] = []
        self._seconds_before = 0.0
        self._began = time.monotonic()

    @property
    def best_row(self) -> dict[str, Any] | None:
        """The epoch that is best by the monitored metric; none where it was never a number."""
        name = self.settings.monitor
        rows = [row for row in self.epoch_metrics if row.get(name) == row.get(name, float("nan"))]
        better = min if self.settings.mode == "min" else max
        return better(rows, key=lambda row: float(row[name])) if rows else None

    @property
    def seconds(self) -> float:
        """How long was trained, before a resume too."""
        return self._seconds_before + time.monotonic() - self._began

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Say that it begins, or goes on."""
        del pl_module
        self._began = time.monotonic()
        self._say(
            trainer,
            "training_start",
            {
                "run_id": self.run.run_id,
                "experiment_name": self.run.experiment_name,
                "max_epochs": trainer.max_epochs,
                "training_mode": self.run.training_mode,
                "client_id": self.run.client_id,
                "first_epoch": trainer.current_epoch + 1,
            },
        )

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Say that an epoch begins."""
        del pl_module
        epoch = {"epoch": trainer.current_epoch + 1, "total_epochs": trainer.max_epochs}
        self._say(trainer, "epoch_start", epoch)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Say what validation found.

        Lightning asks callbacks for ``on_validation_epoch_end`` before the module has measured.
        """
        if trainer.state.fn == "fit":
            self._say_end(trainer, self.extract_metrics(trainer, pl_module, "val"), "val")

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Say the whole epoch, and keep it as a row."""
        row = self.extract_metrics(trainer, pl_module, "train")
        self.epoch_metrics = [one for one in self.epoch_metrics if one["epoch"] != row["epoch"]]
        self.epoch_metrics.append(row)
        self._say_end(trainer, row, "train")

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Say that it is over."""
        del pl_module
        best = self.best_row or {}
        recalls = [row["val_recall"] for row in self.epoch_metrics if "val_recall" in row]
        self._say(
            trainer,
            "training_end",
            {
                "run_id": self.run.run_id,
                "status": "completed",
                "experiment_name": self.run.experiment_name,
                "best_epoch": best.get("epoch"),
                "best_val_recall": max(recalls, default=None),
                "total_epochs": len(self.epoch_metrics),
                "training_duration": self.seconds,
            },
        )

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Say what cut it off."""
        del pl_module
        if isinstance(exception, TrainingCancelledError):
            self._say(trainer, "status", {"status": "cancelled", "message": str(exception)})
        else:
            said = {"error": str(exception), "error_type": type(exception).__name__}
            self._say(trainer, "error", said)

    def extract_metrics(self, trainer: Any, pl_module: Any, stage: str) -> dict[str, Any]:
        """What is known of the epoch.

        Args:
            trainer: Lightning's.
            pl_module: what is trained.
            stage: ``val`` for what validation found, ``train`` for the whole epoch.

        Returns:
            ``epoch``, ``global_step``, ``timestamp``, ``learning_rate`` of the next step, and what
            was logged.
        """
        del pl_module
        logged = {
            name: int(value) if _COUNTS in name else float(value)
            for name, value in trainer.callback_metrics.items()
        }
        logged.pop(EPOCH_NUMBER, None)
        return {
            "epoch": trainer.current_epoch + 1,
            "global_step": trainer.global_step,
            "timestamp": self.stream.now(),
            **{name: one for name, one in logged.items() if stage == "train" or stage in name},
            "learning_rate": learning_rate(trainer),
        }

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"epoch_metrics": self.epoch_metrics, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.epoch_metrics = state_dict["epoch_metrics"]
        self._seconds_before = state_dict["seconds"]

    def _say_end(self, trainer: Any, metrics: dict[str, Any], phase: str) -> None:
        self._say(
            trainer,
            "epoch_end",
            {
                "epoch": metrics["epoch"],
                "phase": phase,
                "metrics": metrics,
                "client_id": self.run.client_id,
                "round_number": self.run.round_number,
            },
        )

    def _say(self, trainer: Any, kind: str, data: dict[str, Any]) -> None:
        if trainer.is_global_zero:
            self.stream.emit(kind, data)
