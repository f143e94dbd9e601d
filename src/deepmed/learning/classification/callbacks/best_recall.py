from typing import Any

from deepmed.learning.classification.bases import Watcher


class HighestValRecallCallback(Watcher):
    """Remembers the highest recall of validation, and its epoch counted from 1.

    It is shown, and nothing is chosen by it: a network that calls every image positive has the
    highest recall there is.

    Example:
        >>> HighestValRecallCallback().best_epoch is None
        True
    """

    def __init__(self) -> None:
        self.best_recall: float | None = None
        self.best_epoch: int | None = None

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Look at this epoch's."""
        del pl_module
        if trainer.state.fn != "fit":
            return
        recall = float(trainer.callback_metrics["val_recall"])
        if self.best_recall is None or recall > self.best_recall:
            self.best_recall, self.best_epoch = recall, trainer.current_epoch + 1

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"best_recall": self.best_recall, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.best_recall = state_dict["best_recall"]
        self.best_epoch = state_dict["best_epoch"]
