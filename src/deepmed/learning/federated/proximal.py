"""The pull towards the common weights that FedProx adds to a client's training."""

from collections.abc import Mapping
from typing import Any

import torch

from deepmed.learning.classification.bases import Watcher


class ProximalTerm(Watcher):
    """Adds the gradient of ``mu / 2 * |w - w0|**2`` before each step (Li et al. 2020, eq. 2).

    The gradient is added in closed form, so that the reported loss stays the one that all
    trainings have.

    Args:
        common: the weights that the round began with, by name.
        mu: how strong the pull is; 0 is none.

    Example:
        >>> ProximalTerm({}, 0.1).mu
        0.1
    """

    def __init__(self, common: Mapping[str, torch.Tensor], mu: float) -> None:
        self.mu = mu
        self._common = common

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """After gradients of accumulated batches are there, and before they are clipped."""
        del trainer, optimizer
        for name, weight in pl_module.model.named_parameters():
            if weight.grad is not None:
                common = self._common[name].to(weight)
                weight.grad.add_(weight.detach() - common, alpha=self.mu)
