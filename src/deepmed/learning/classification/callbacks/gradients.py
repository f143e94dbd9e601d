from typing import Any

import torch

from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.events import EventStream
from deepmed.learning.networks.with_head import NetworkWithCustomHead


class GradientMonitorCallback(Watcher):
    """Says how long gradients are, every twentieth step or so, before they are clipped.

    Args:
        stream: where it is said.
        interval: steps from one message to the next, the first step included.

    Example:
        >>> GradientMonitorCallback(EventStream([])).interval
        20
    """

    def __init__(self, stream: EventStream, interval: int = 20) -> None:
        self.stream = stream
        self.interval = interval

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Say it where it is the step's turn."""
        del optimizer
        if trainer.global_step % self.interval or not trainer.is_global_zero:
            return
        norms = gradient_norms(pl_module.model)
        total = float(torch.tensor(list(norms.values()), dtype=torch.float64).norm())
        self.stream.emit(
            "gradient_stats",
            {
                "step": trainer.global_step,
                "total_norm": total,
                "layer_norms": norms,
                "max_norm": max(norms.values(), default=0.0),
                "min_norm": min(norms.values(), default=0.0),
            },
        )


def gradient_norms(network: NetworkWithCustomHead) -> dict[str, float]:
    """Length of the gradient of each layer that trains, and of the head.

    Args:
        network: right after going backwards.

    Returns:
        Euclidean norms by layer; frozen layers have none.

    Example:
        >>> from deepmed.learning.networks import NetworkSettings, build_network
        >>> settings = NetworkSettings("resnet18", width=4, head=(), fine_tune_layers=0)
        >>> network = build_network(settings)
        >>> network(torch.ones(2, 3, 32, 32)).sum().backward()
        >>> list(gradient_norms(network))
        ['classifier']
    """
    parts = {layer.name: layer.parameters for layer in network.layers()}
    parts["classifier"] = list(network.classifier.parameters())
    gradients = {
        name: [weight.grad.detach() for weight in weights if weight.grad is not None]
        for name, weights in parts.items()
    }
    return {
        name: float(torch.stack([one.float().norm() for one in found]).norm())
        for name, found in gradients.items()
        if found
    }
