"""What every backbone is to the rest: feature maps, their number, and its layers in order."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """A piece of a backbone that is frozen and unfrozen as one.

    Attributes:
        name: says where it is, from the images on: ``stem``, ``layer1.0``.
        modules: what it consists of.

    Example:
        >>> Layer("stem", (nn.Conv2d(3, 8, 3),)).trainable
        True
    """

    name: str
    modules: tuple[nn.Module, ...]

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All weights of the layer."""
        return [weight for module in self.modules for weight in module.parameters()]

    @property
    def trainable(self) -> bool:
        """Whether training moves the layer's weights."""
        return any(weight.requires_grad for weight in self.parameters)

    def freeze(self) -> None:
        """Keep the weights as they are, running means and variances too."""
        self._set(trains=False)

    def unfreeze(self) -> None:
        """Let training move the weights."""
        self._set(trains=True)

    def follow(self, *, training: bool) -> None:
        """Go into training mode where the layer trains: frozen layers must not gather means."""
        for module in self.modules:
            module.train(training and self.trainable)

    def _set(self, *, trains: bool) -> None:
        for weight in self.parameters:
            weight.requires_grad_(trains)


class Backbone(nn.Module):
    """Images to feature maps.

    Every weight belongs to exactly one of :meth:`layers`, and no activation overwrites its input,
    so that explanations may look at any map.

    Attributes:
        channels_out: number of feature maps.

    Example:
        >>> from deepmed.learning.networks.resnet import ResNet
        >>> backbone = ResNet("resnet18", width=4)
        >>> backbone(torch.zeros(1, 3, 64, 64)).shape, backbone.channels_out
        (torch.Size([1, 32, 2, 2]), 32)
        >>> [layer.name for layer in backbone.layers()][:3]
        ['stem', 'layer1.0', 'layer1.1']
    """

    channels_out: int

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps.

        Args:
            images: (B, C, H, W) float32.

        Returns:
            (B, channels_out, h, w).
        """
        raise NotImplementedError

    def layers(self) -> list[Layer]:
        """All layers in the order in which images pass them."""
        raise NotImplementedError

    def first_convolution(self) -> str:
        """Name of the weights that the images meet first, as in the state dict."""
        raise NotImplementedError

    def translate(self, name: str) -> str | None:
        """The name here of a weight that pretrained files name otherwise.

        Args:
            name: as in torchvision's state dicts, where it has this network.

        Returns:
            The name in this module's state dict; None for weights of the file's own classifier.
        """
        raise NotImplementedError
