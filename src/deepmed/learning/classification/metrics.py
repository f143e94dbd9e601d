"""What is measured while a classifier trains; intervals come with the evaluation afterwards."""

import math
from typing import Any

import torch
from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryAUROC,
    BinaryAveragePrecision,
    BinaryCalibrationError,
    BinaryConfusionMatrix,
    BinaryF1Score,
    BinaryPrecision,
    BinaryRecall,
    BinarySpecificity,
    MulticlassAccuracy,
    MulticlassAUROC,
    MulticlassAveragePrecision,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
    MulticlassPrecision,
    MulticlassRecall,
    MulticlassSpecificity,
)

BINS = 15
"""Of the expected calibration error, between 0 and 1."""
_RANKING = ("auroc", "auprc")
_CELLS = ("cm_tn", "cm_fp", "cm_fn", "cm_tp")


class MetricsHandler(nn.Module):
    """Gathers probabilities and labels of a split, and measures them at its end.

    For one logit the positive class is 1 and the decision is at 0.5: the threshold that is used is
    fixed later, on validation. For several classes the share of right answers is over all images,
    and the rest is the mean over classes.

    Args:
        classes: outputs of the network: 1, or one a class.

    Example:
        >>> handler = MetricsHandler(1)
        >>> found = handler.compute(torch.tensor([0.9, 0.2, 0.7, 0.4]), torch.tensor([1, 0, 0, 1]))
        >>> found["acc"], found["auroc"], found["cm_fp"]
        (0.5, 0.75, 1.0)
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.metrics = MetricCollection(_all(classes), compute_groups=False)

    def update(self, predictions: torch.Tensor, targets: torch.Tensor) -> None:
        """Add a batch.

        Args:
            predictions: (B,) of the positive class, or (B, classes), between 0 and 1.
            targets: (B,) int64.
        """
        self.metrics.update(predictions, targets)

    def gathered(self) -> dict[str, float]:
        """Measure all that was added since :meth:`reset`, on all devices.

        Returns:
            ``acc, precision, recall, f1, auroc, auprc, specificity, ece`` and for one logit
            ``cm_tp, cm_tn, cm_fp, cm_fn``. A ranking of one class alone is not a number (nan).
        """
        matrix = self.metrics["matrix"].compute()
        one_class = int((matrix.sum(dim=1) > 0).sum()) < max(2, self.classes)
        names = [name for name in self.metrics if name != "matrix"]
        left_out = _RANKING if one_class else ()
        found = {
            name: math.nan if name in left_out else float(self.metrics[name].compute())
            for name in names
        }
        if self.classes == 1:
            found |= dict(zip(_CELLS, map(float, matrix.flatten().tolist()), strict=True))
        return found

    def reset(self) -> None:
        """Forget what was added."""
        self.metrics.reset()

    def compute(self, predictions: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Measure one set of predictions by itself; what was gathered is forgotten.

        Args:
            predictions: (N,) of the positive class, or (N, classes), between 0 and 1.
            targets: (N,) int64.

        Returns:
            As :meth:`gathered`.
        """
        self.reset()
        self.update(predictions, targets)
        found = self.gathered()
        self.reset()
        return found


def training_metrics(classes: int) -> MetricCollection:
    """The two that are measured while weights move: share of right answers, and F1.

    Args:
        classes: outputs of the network.

    Example:
        >>> sorted(training_metrics(1))
        ['train_acc', 'train_f1']
    """
    if classes == 1:
        found: dict[str, Any] = {"acc": BinaryAccuracy(), "f1": BinaryF1Score()}
    else:
        found = {
            "acc": MulticlassAccuracy(num_classes=classes, average="micro"),
            "f1": MulticlassF1Score(num_classes=classes, average="macro"),
        }
    return MetricCollection(found, prefix="train_", compute_groups=False)


def _all(classes: int) -> dict[str, Any]:
    if classes == 1:
        return {
            "acc": BinaryAccuracy(),
            "precision": BinaryPrecision(),
            "recall": BinaryRecall(),
            "f1": BinaryF1Score(),
            "auroc": BinaryAUROC(),
            "auprc": BinaryAveragePrecision(),
            "specificity": BinarySpecificity(),
            "ece": BinaryCalibrationError(n_bins=BINS),
            "matrix": BinaryConfusionMatrix(),
        }
    mean = {"num_classes": classes, "average": "macro"}
    return {
        "acc": MulticlassAccuracy(num_classes=classes, average="micro"),
        "precision": MulticlassPrecision(**mean),
        "recall": MulticlassRecall(**mean),
        "f1": MulticlassF1Score(**mean),
        "auroc": MulticlassAUROC(**mean),
        "auprc": MulticlassAveragePrecision(**mean),
        "specificity": MulticlassSpecificity(**mean),
        "ece": MulticlassCalibrationError(num_classes=classes, n_bins=BINS),
        "matrix": MulticlassConfusionMatrix(num_classes=classes),
    }
