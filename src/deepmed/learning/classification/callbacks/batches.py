import math
from typing import Any

import torch

from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.events import EventStream, RunFacts


class BatchMetricsCallback(Watcher):
    """Says how the network does on every tenth batch or so, while it learns from it.

    Args:
        stream: where it is said.
        interval: batches from one message to the next, the epoch's first batch included.
        run: what messages say about the run.

    Example:
        >>> BatchMetricsCallback(EventStream([])).interval
        10
    """

    def __init__(
        self, stream: EventStream, interval: int = 10, run: RunFacts | None = None
    ) -> None:
        self.stream = stream
        self.interval = interval
        self.run = run or RunFacts()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Say it where it is the batch's turn."""
        del pl_module, batch
        if batch_idx % self.interval or not trainer.is_global_zero:
            return
        self.stream.emit(
            "batch_metrics",
            {
                "step": trainer.global_step,
                "batch_idx": batch_idx,
                "loss": float(outputs["batch_loss"]),
                **batch_measures(outputs["predictions"], outputs["labels"]),
                "epoch": trainer.current_epoch + 1,
                "timestamp": self.stream.seconds(),
                "client_id": self.run.client_id,
                "round_num": self.run.round_number,
            },
        )


def batch_measures(predictions: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Share of right answers, recall and F1 of a batch.

    Args:
        predictions: (B,) of the positive class, or (B, classes), between 0 and 1.
        labels: (B,) int64.

    Returns:
        ``accuracy``, ``recall`` and ``f1``: of the positive class, or the mean over the classes
        that can be measured; not a number (nan) where none can.

    Example:
        >>> batch_measures(torch.tensor([0.9, 0.2, 0.7]), torch.tensor([1, 1, 0]))["recall"]
        0.5
        >>> batch_measures(torch.tensor([0.2, 0.3]), torch.tensor([0, 0]))["recall"]
        nan
    """
    binary = predictions.ndim == 1
    decided = (predictions > 0.5).long() if binary else predictions.argmax(dim=1)
    classes = [1] if binary else list(range(predictions.shape[1]))
    found = [_of_class(decided == one, labels == one) for one in classes]
    return {
        "accuracy": float((decided == labels).float().mean()),
        "recall": _mean([recall for recall, _ in found]),
        "f1": _mean([f1 for _, f1 in found]),
    }


def _of_class(decided: torch.Tensor, true: torch.Tensor) -> tuple[float, float]:
    hits, said, there = (int(one.sum()) for one in (decided & true, decided, true))
    recall = hits / there if there else math.nan
    return recall, 2 * hits / (said + there) if said + there else math.nan


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
