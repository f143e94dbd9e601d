"""Optimisers and schedules of the step size by name."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler

from deepmed.learning.classification.settings import TrainingSettings

MOMENTUM = 0.9


class OptimizerFactory:
    """Makes what Lightning asks ``configure_optimizers`` for.

    Example:
        >>> weights = [nn.Parameter(torch.zeros(1))]
        >>> found = OptimizerFactory.create_configuration(weights, TrainingSettings(), 10, 100)
        >>> type(found["optimizer"]).__name__, type(found["lr_scheduler"]["scheduler"]).__name__
        ('AdamW', 'CosineAnnealingWarmRestarts')
    """

    @classmethod
    def create_configuration(
        cls,
        parameters: Iterable[nn.Parameter],
        settings: TrainingSettings,
        batches: int,
        steps: int,
    ) -> dict[str, Any]:
        """An optimiser and its schedule.

        All weights are given, the frozen ones too: they have no gradient and stay as they are until
        they are unfrozen, and a resumed training finds each weight's state at its place.

        Every schedule goes on with steps, within the epoch. Lightning would take a schedule by
        epochs on only after the epoch's checkpoint is written, and a resumed training would be one
        behind.

        Args:
            parameters: the network's weights.
            settings: which.
            batches: of an epoch, on this device.
            steps: of the whole training.

        Returns:
            ``optimizer`` and, unless there is none, ``lr_scheduler``, as Lightning takes them.
        """
        optimizer = _optimizer(parameters, settings)
        scheduler = _scheduler(optimizer, settings, steps)
        if scheduler is None:
            return {"optimizer": optimizer}
        # A plateau is looked for once an epoch: at its last batch, right after validation.
        every = batches if settings.scheduler == "plateau" else 1
        facts = {"interval": "step", "frequency": every, "monitor": settings.monitor}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, **facts}}


def _optimizer(
    parameters: Iterable[nn.Parameter], settings: TrainingSettings
) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=MOMENTUM)
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)


def _scheduler(
    optimizer: torch.optim.Optimizer, settings: TrainingSettings, steps: int
) -> lr_scheduler.LRScheduler | None:
    match settings.scheduler:
        case "cosine_warm_restarts":
            share = min(1.0, (settings.restart_epochs or settings.epochs) / settings.epochs)
            first = max(1, round(share * steps))
            return lr_scheduler.CosineAnnealingWarmRestarts(
                optimizer, T_0=first, T_mult=2, eta_min=settings.min_learning_rate
            )
        case "one_cycle":
            return lr_scheduler.OneCycleLR(
                optimizer, max_lr=settings.learning_rate, total_steps=max(1, steps)
            )
        case "plateau":
            return lr_scheduler.ReduceLROnPlateau(
                optimizer,
                mode=settings.mode,
                factor=settings.plateau_factor,
                patience=settings.plateau_patience,
                min_lr=settings.min_learning_rate,
            )
        case _:
            return None
