"""What lowers the loss: optimisers, schedules of the step size, and the losses themselves."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from deepmed.learning.autoencoder.config import Loss, TrainingConfig

LossFunction = Callable[[Tensor, Tensor], Tensor]

_LOSSES: dict[Loss, LossFunction] = {
    "mse": nn.functional.mse_loss,
    "mae": nn.functional.l1_loss,
    "huber": nn.functional.smooth_l1_loss,
}


def loss_function(name: Loss) -> LossFunction:
    """The mean loss an element, of two tensors of one shape.

    Example:
        >>> loss_function("mae")(torch.zeros(2), torch.tensor([1.0, 3.0]))
        tensor(2.)
    """
    return _LOSSES[name]


def make_optimizer(
    config: TrainingConfig, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """The optimiser that a config asks for.

    Args:
        config: Settings of the run.
        parameters: What it moves.

    Example:
        >>> network = nn.Linear(1, 1)
        >>> type(make_optimizer(TrainingConfig(optimizer="sgd"), network.parameters())).__name__
        'SGD'
    """
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=rate, momentum=config.momentum, weight_decay=decay, fused=True
        )
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=rate, weight_decay=decay, fused=True)


def scheduled_share(config: TrainingConfig, epoch: int) -> float:
    """The share of the first step size that is left in an epoch.

    Args:
        config: Settings of the run.
        epoch: 1 for the first.

    Returns:
        Above 0, at most 1.

    Example:
        >>> config = TrainingConfig(scheduler="step", scheduler_step=10, scheduler_gamma=0.5)
        >>> [scheduled_share(config, epoch) for epoch in (1, 10, 11, 21)]
        [1.0, 1.0, 0.5, 0.25]
    """
    match config.scheduler:
        case "step":
            return float(config.scheduler_gamma ** ((epoch - 1) // config.scheduler_step))
        case "exponential":
            return float(config.scheduler_gamma ** (epoch - 1))
        case "cosine":
            return (1 + math.cos(math.pi * (epoch - 1) / config.epochs)) / 2
        case _:
            return 1.0
