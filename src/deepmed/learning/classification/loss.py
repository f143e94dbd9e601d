"""What training lowers, for one logit and for one a class."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from deepmed.learning.classification.errors import TrainingSettingsError
from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.errors import InsufficientDataError


class ClassificationLoss(nn.Module):
    """Cross-entropy of labels, with weights of classes and with focus on hard images.

    Source of the focus: Lin et al., Focal Loss for Dense Object Detection (2017).

    Args:
        weights: (classes,) of the classes' images, at least two; all alike if not given.
        gamma: how much easy images count less; 0 all alike.
        smoothing: share of each label that is spread over all classes.

    Example:
        >>> logits, labels = torch.zeros(4, 1), torch.tensor([0, 1, 1, 0])
        >>> round(float(ClassificationLoss()(logits, labels)), 4)
        0.6931
        >>> round(float(ClassificationLoss(gamma=2.0)(logits, labels)), 4)
        0.1733
    """

    weights: torch.Tensor | None

    def __init__(
        self, weights: torch.Tensor | None = None, gamma: float = 0.0, smoothing: float = 0.0
    ) -> None:
        super().__init__()
        # Part of the settings, so not of the checkpoint.
        self.register_buffer("weights", weights, persistent=False)
        self.gamma = gamma
        self.smoothing = smoothing

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch.

        Args:
            logits: (B, 1) or (B, classes).
            labels: (B,) int64, class indices.

        Returns:
            One number.
        """
        log_chances = functional.log_softmax(two_sided(logits), dim=1)
        classes = log_chances.shape[1]
        targets = functional.one_hot(labels, classes).to(log_chances.dtype)
        targets = targets * (1 - self.smoothing) + self.smoothing / classes
        terms = -targets * log_chances * (1 - log_chances.exp()) ** self.gamma
        if self.weights is not None:
            terms = terms * self.weights.to(terms.dtype)
        return terms.sum(dim=1).mean()


class LossFactory:
    """Makes the loss that settings ask for, with one answer to unequal classes at most.

    Example:
        >>> LossFactory.create_loss(use_focal_loss=True).gamma
        1.5
        >>> LossFactory.create_loss(torch.tensor([1.0, 3.0]), use_focal_loss=True)
        Traceback (most recent call last):
        ...
        deepmed.learning.classification.errors.TrainingSettingsError: ...
    """

    @staticmethod
    def create_loss(
        class_weights: torch.Tensor | None = None,
        *,
        use_focal_loss: bool = False,
        focal_alpha: float | None = 0.6,
        focal_gamma: float = 1.5,
        label_smoothing: float = 0.0,
        balanced_sampling: bool = False,
    ) -> ClassificationLoss:
        """A loss.

        Args:
            class_weights: (classes,), see :func:`class_weights`; none for all alike.
            use_focal_loss: whether hard images count more.
            focal_alpha: share of the say of the positive class; none for both alike, and for more
                than two classes.
            focal_gamma: how much easy images count less.
            label_smoothing: share of each label that is spread over all classes.
            balanced_sampling: whether the loader already shows classes equally often.

        Returns:
            Takes logits and labels.

        Raises:
            TrainingSettingsError: two answers to unequal classes were asked for at once: together
                they would turn the inequality round.
        """
        weighs_by_alpha = use_focal_loss and focal_alpha is not None
        asked = {
            "class weights": class_weights is not None,
            "the focal loss' alpha": weighs_by_alpha,
            "balanced sampling": balanced_sampling,
        }
        if sum(asked.values()) > 1:
            both = " and ".join(name for name, wanted in asked.items() if wanted)
            raise TrainingSettingsError(
                f"{both} each make up for unequal classes, and together they do so twice. Nothing "
                "was trained. Keep one of them."
            )
        if weighs_by_alpha and focal_alpha is not None:
            class_weights = torch.tensor([1 - focal_alpha, focal_alpha])
        gamma = focal_gamma if use_focal_loss else 0.0
        return ClassificationLoss(class_weights, gamma, label_smoothing)

    @classmethod
    def from_settings(
        cls,
        settings: TrainingSettings,
        class_counts: Sequence[int],
        *,
        balanced_sampling: bool = False,
    ) -> ClassificationLoss:
        """The loss of a training.

        Args:
            settings: which.
            class_counts: training images of each class, at least two classes.
            balanced_sampling: whether the loader already shows classes equally often.

        Raises:
            TrainingSettingsError: two answers to unequal classes were asked for at once.
            InsufficientDataError: a class has no image to learn from.
        """
        weights = class_weights(class_counts) if settings.loss == "weighted" else None
        return cls.create_loss(
            weights,
            use_focal_loss=settings.loss == "focal",
            focal_alpha=settings.focal_alpha if len(class_counts) == 2 else None,
            focal_gamma=settings.focal_gamma,
            label_smoothing=settings.label_smoothing,
            balanced_sampling=balanced_sampling,
        )


def class_weights(counts: Sequence[int]) -> torch.Tensor:
    """Weights by which all classes have the same say, with a mean of 1 over the images.

    Args:
        counts: training images of each class.

    Returns:
        (classes,) float32: images / (classes * images of the class).

    Raises:
        InsufficientDataError: there is but one class, or one without images.

    Example:
        >>> class_weights([30, 10])
        tensor([0.6667, 2.0000])
    """
    if len(counts) < 2 or min(counts) < 1:
        raise InsufficientDataError(
            f"The classes have {', '.join(map(str, counts))} training images, and each of at least "
            "two classes needs one. Nothing was trained. Add images of the missing class."
        )
    return torch.tensor([sum(counts) / (len(counts) * count) for count in counts])


def two_sided(logits: torch.Tensor) -> torch.Tensor:
    """One logit as two, so that one formula serves any number of classes.

    Args:
        logits: (B, 1) or (B, classes).

    Returns:
        (B, 2) or (B, classes), float32 at least: half the bits are too few for a sum of losses.

    Example:
        >>> two_sided(torch.tensor([[1.5]]))
        tensor([[0.0000, 1.5000]])
    """
    wide = logits.float() if logits.dtype in {torch.float16, torch.bfloat16} else logits
    return torch.cat([torch.zeros_like(wide), wide], dim=1) if wide.shape[1] == 1 else wide


def probabilities(logits: torch.Tensor) -> torch.Tensor:
    """What the network says, between 0 and 1; whether that is a chance, calibration has to show.

    Args:
        logits: (B, 1) or (B, classes).

    Returns:
        (B,) of the positive class, or (B, classes).

    Example:
        >>> probabilities(torch.tensor([[0.0]]))
        tensor([0.5000])
    """
    found = functional.softmax(two_sided(logits), dim=1)
    return found[:, 1] if logits.shape[1] == 1 else found
