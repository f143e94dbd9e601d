"""What happens with one batch, whatever trains around it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from deepmed.learning.classification.loss import probabilities
from deepmed.learning.classification.metrics import MetricsHandler

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Images (B, C, H, W) float32, labels (B,) int64, places in the split (B,) int64."""
LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Step(NamedTuple):
    """A batch that was looked at.

    Attributes:
        loss: one number, with its gradient while training.
        logits: (B, 1) or (B, classes), without.
        labels: (B,).
        places: (B,), places in the split.

    Example:
        >>> zeros = torch.zeros(1, 1)
        >>> Step(zeros.sum(), zeros, zeros.long(), zeros.long()).predictions
        tensor([0.5000])
    """

    loss: torch.Tensor
    logits: torch.Tensor
    labels: torch.Tensor
    places: torch.Tensor

    @property
    def predictions(self) -> torch.Tensor:
        """(B,) of the positive class, or (B, classes), between 0 and 1."""
        return probabilities(self.logits)


class StepLogic:
    """Looks at a batch, to learn from it or to measure.

    Example:
        >>> from deepmed.learning.classification.loss import ClassificationLoss
        >>> batch = (torch.zeros(2, 4), torch.tensor([0, 1]), torch.arange(2))
        >>> step = StepLogic.execute_training_step(batch, nn.Linear(4, 1), ClassificationLoss())
        >>> step.loss.requires_grad, step.logits.requires_grad
        (True, False)
    """

    @staticmethod
    def execute_training_step(batch: Batch, model: nn.Module, loss_fn: LossFunction) -> Step:
        """Look at a batch to learn from it.

        Args:
            batch: images, labels and places.
            model: images to logits.
            loss_fn: logits and labels to a loss.

        Returns:
            The loss with its gradient, and logits without.
        """
        images, labels, places = batch
        logits = model(images)
        return Step(loss_fn(logits, labels), logits.detach().float(), labels, places)

    @classmethod
    def execute_validation_step(
        cls, batch: Batch, model: nn.Module, loss_fn: LossFunction, metrics_handler: MetricsHandler
    ) -> dict[str, torch.Tensor]:
        """Look at a batch to measure; the metrics gather what was seen.

        Args:
            batch: images, labels and places.
            model: images to logits.
            loss_fn: logits and labels to a loss.
            metrics_handler: it is added to.

        Returns:
            ``loss``, ``logits``, ``labels`` and ``index``.
        """
        step = cls.execute_training_step(batch, model, loss_fn)
        metrics_handler.update(step.predictions, step.labels)
        return {
            "loss": step.loss,
            "logits": step.logits,
            "labels": step.labels,
            "index": step.places,
        }
