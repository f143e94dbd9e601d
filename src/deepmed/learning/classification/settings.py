"""How a classifier is trained; nothing here needs torch."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from deepmed.learning.classification.errors import TrainingSettingsError

Loss = Literal["cross_entropy", "weighted", "focal"]
Optimizer = Literal["adamw", "sgd"]
Scheduler = Literal["cosine_warm_restarts", "plateau", "one_cycle", "none"]
Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
UNFREEZE_AT = (0.15, 0.35, 0.55, 0.75)
"""Shares of the epochs after which more layers are unfrozen."""
LAYERS_PER_STEP = 4
MONITORED = (
    "val_loss",
    "val_acc",
    "val_precision",
    "val_recall",
    "val_f1",
    "val_auroc",
    "val_auprc",
    "val_specificity",
    "val_ece",
)
_LOWER_IS_BETTER = {"val_loss", "val_ece"}


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a training, beside network and data.

    Attributes:
        epochs: most passes over the training images.
        learning_rate: at the start of the schedule; of ``one_cycle``, its peak.
        weight_decay: decoupled from the step in AdamW, part of the gradient in SGD.
        optimizer: ``adamw``, or ``sgd`` with momentum 0.9.
        scheduler: of the step size. Cosine and one cycle go on with every step; plateau looks at
            ``monitor`` after every epoch.
        restart_epochs: length of the first cycle of ``cosine_warm_restarts``, each later one being
            twice as long; the whole training if it is not given, which then never restarts.
        plateau_patience: epochs without improvement before ``plateau`` lowers the step.
        plateau_factor: by which it lowers it.
        min_learning_rate: lowest step of cosine and plateau.
        loss: ``cross_entropy`` treats images alike, ``weighted`` gives classes the same say,
            ``focal`` looks at hard images. One of them, so one answer to unequal classes.
        focal_alpha: share of the say that the positive class has in ``focal``; with several
            classes it means nothing and is not used.
        focal_gamma: how much ``focal`` turns from easy images; 0 not at all.
        label_smoothing: share of each label that is spread over all classes.
        monitor: by which checkpoints are ranked and training ends. ``val_recall`` alone is
            degenerate: a network that calls every image positive has the best there is.
        patience: epochs without improvement of ``monitor`` after which training ends.
        min_delta: improvement that counts as one.
        keep: how many of the best checkpoints are kept, beside the last.
        gradient_clip: largest norm of the whole gradient; none if it is not given.
        accumulate: batches a step: their gradients are averaged.
        precision: ``32-true``, or half the bits where that is accurate enough: ``bf16-mixed``,
            ``16-mixed`` (with a scaled loss; on graphics cards).
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, as Lightning calls them.
        devices: how many to train on at once; with more than one, each takes its part of every
            batch's images and gradients are averaged over all (DDP).
        channels_last: whether the channels of a pixel lie side by side in memory while training,
            which convolutions on many processors and graphics cards compute faster. The last
            digits differ then, nothing else.
        progressive_unfreeze: whether frozen layers of the backbone join after 15, 35, 55 and 75 %
            of the epochs, four at a time, from the last on.
        batch_interval: batches from one message on a batch to the next.
        gradient_interval: steps from one message on gradients to the next.
        seed: of the weights and of everything random in each epoch.

    Raises:
        TrainingSettingsError: a value is outside its range, or a name is unknown.

    Example:
        >>> settings = TrainingSettings(epochs=20)
        >>> settings.unfreeze_epochs
        (3, 7, 11, 15)
        >>> TrainingSettings.from_json(settings.to_json()) == settings
        True
        >>> TrainingSettings(epochs=0)
        Traceback (most recent call last):
        ...
        deepmed.learning.classification.errors.TrainingSettingsError: epochs must be at least 1. ...
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    optimizer: Optimizer = "adamw"
    scheduler: Scheduler = "cosine_warm_restarts"
    restart_epochs: int | None = None
    plateau_patience: int = 3
    plateau_factor: float = 0.5
    min_learning_rate: float = 1e-7
    loss: Loss = "cross_entropy"
    focal_alpha: float = 0.6
    focal_gamma: float = 1.5
    label_smoothing: float = 0.0
    monitor: str = "val_auroc"
    patience: int = 5
    min_delta: float = 0.001
    keep: int = 3
    gradient_clip: float | None = 1.0
    accumulate: int = 1
    precision: Precision = "32-true"
    accelerator: str = "auto"
    devices: int = 1
    channels_last: bool = False
    progressive_unfreeze: bool = False
    batch_interval: int = 10
    gradient_interval: int = 20
    seed: int = 42

    def __post_init__(self) -> None:
        self._check_names()
        for name in _COUNTS:
            value = getattr(self, name)
            _demand(value is None or value >= 1, f"{name} must be at least 1")
        for name, highest in _POSITIVE.items():
            value = getattr(self, name)
            _demand(
                value is None or 0 < value <= highest, f"{name} must be above 0{_most(highest)}"
            )
        for name, highest in _FROM_NOTHING.items():
            _demand(
                0 <= getattr(self, name) <= highest, f"{name} must be at least 0{_most(highest)}"
            )

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether less or more of the monitored metric is better."""
        return "min" if self.monitor in _LOWER_IS_BETTER else "max"

    @property
    def unfreeze_epochs(self) -> tuple[int, ...]:
        """Epochs, counted from 0, at whose start more layers join; the head is alone before."""
        return tuple(max(1, int(share * self.epochs)) for share in UNFREEZE_AT)

    def to_json(self) -> dict[str, Any]:
        """All settings as JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "TrainingSettings":
        """Settings of the same training.

        Args:
            facts: what :meth:`to_json` gave.

        Raises:
            TrainingSettingsError: a key is unknown or a value is outside its range.
        """
        unknown = sorted(set(facts) - {field.name for field in dataclasses.fields(cls)})
        _demand(not unknown, f"these settings of a training are unknown: {', '.join(unknown)}")
        return cls(**facts)

    def _check_names(self) -> None:
        _demand(self.monitor in MONITORED, f"monitor must be one of {', '.join(MONITORED)}")
        for name, choices in _CHOICES.items():
            known = get_args(choices)
            _demand(getattr(self, name) in known, f"{name} must be one of {', '.join(known)}")


_CHOICES = {
    "loss": Loss,
    "optimizer": Optimizer,
    "scheduler": Scheduler,
    "precision": Precision,
    "accelerator": Literal["auto", "cpu", "gpu", "mps"],
}
_COUNTS = (
    "epochs",
    "restart_epochs",
    "patience",
    "keep",
    "accumulate",
    "devices",
    "batch_interval",
    "gradient_interval",
)
_POSITIVE = {
    "learning_rate": 10.0,
    "plateau_factor": 1.0,
    "focal_alpha": 1.0,
    "gradient_clip": math.inf,
}
_FROM_NOTHING = {
    "weight_decay": 1.0,
    "plateau_patience": math.inf,
    "min_learning_rate": 1.0,
    "focal_gamma": 10.0,
    "label_smoothing": 0.5,
    "min_delta": 1.0,
    "seed": math.inf,
}


def _most(highest: float) -> str:
    return "" if math.isinf(highest) else f" and at most {highest:g}"


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - the condition is what it is about
    if not holds:
        raise TrainingSettingsError(f"{otherwise}. Nothing was trained.")
