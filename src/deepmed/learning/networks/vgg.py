"""VGG without its 120 million weights of a classifier: ours is on top.

Source: Simonyan and Zisserman, Very Deep Convolutional Networks (2015). Names of weights are those
of torchvision's state dicts.
"""

import torch
from torch import nn

from deepmed.learning.networks.backbone import Backbone, Layer
from deepmed.learning.networks.settings import USUAL_WIDTH

REPEATS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_GROWTH = (1, 2, 4, 8, 8)


class VGG(Backbone):
    """The convolutions of VGG.

    Args:
        name: ``vgg16`` or ``vgg19``; with ``_bn`` at the end, batch normalisation follows each
            convolution, without which a random start hardly learns.
        channels: colours of an image.
        max_pool: whether the first stage ends with half the side.
        width: channels of the first stage.

    Example:
        >>> VGG("vgg16_bn", width=4)(torch.zeros(1, 3, 28, 28)).shape
        torch.Size([1, 32, 1, 1])
    """

    def __init__(
        self,
        name: str,
        channels: int = 3,
        max_pool: bool = True,  # noqa: FBT001, FBT002 - a setting among settings
        width: int = USUAL_WIDTH,
    ) -> None:
        super().__init__()
        pieces: list[nn.Module] = []
        before = channels
        for index, count in enumerate(REPEATS[name.removesuffix("_bn")]):
            after = width * _GROWTH[index]
            for _ in range(count):
                pieces += _unit(before, after, normalizes=name.endswith("_bn"))
                before = after
            halves = max_pool or index > 0
            # Rounding up is the same for sides that are multiples of 32, and lets small ones pass.
            pieces.append(nn.MaxPool2d(2, ceil_mode=True) if halves else nn.Identity())
        self.features = nn.Sequential(*pieces)
        self.channels_out = before
        _initialize(self.features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps, see :class:`Backbone`."""
        found: torch.Tensor = self.features(images)
        return found

    def layers(self) -> list[Layer]:
        """One layer a convolution, with its normalisation."""
        found: list[Layer] = []
        for index, module in enumerate(self.features):
            if isinstance(module, nn.Conv2d):
                found.append(Layer(f"features.{index}", (module,)))
            elif isinstance(module, nn.BatchNorm2d):
                found[-1] = Layer(found[-1].name, (*found[-1].modules, module))
        return found

    def first_convolution(self) -> str:
        """See :class:`Backbone`."""
        return "features.0.weight"

    def translate(self, name: str) -> str | None:
        """The names of torchvision are ours."""
        return None if name.startswith("classifier.") else name


def _unit(before: int, after: int, *, normalizes: bool) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, 3, padding=1)
    return [convolution, *([nn.BatchNorm2d(after)] if normalizes else []), nn.ReLU()]


def _initialize(features: nn.Sequential) -> None:
    for module in features:
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)
