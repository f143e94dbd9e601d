"""DenseNet, built by MONAI.

Source: Huang et al., Densely Connected Convolutional Networks (2017).
"""

import re

import torch
from monai.networks.nets import densenet
from torch import nn
from torch.nn import functional

from deepmed.learning.networks.backbone import Backbone, Layer
from deepmed.learning.networks.settings import Stem

_MAKERS = {
    "densenet121": densenet.DenseNet121,
    "densenet169": densenet.DenseNet169,
    "densenet201": densenet.DenseNet201,
    "densenet264": densenet.DenseNet264,
}
_OURS = r"\1layers.\2\3."
"""MONAI keeps the parts of a dense layer one level deeper than torchvision."""
_THEIRS = re.compile(r"(denselayer\d+\.)(norm|conv)\.?([12])\.")


class DenseNet(Backbone):
    """The convolutions of a DenseNet.

    Args:
        name: ``densenet121``, ``densenet169``, ``densenet201`` or ``densenet264``.
        channels: colours of an image.
        stem: ``7x7`` at half the side, or ``3x3`` at full side.
        max_pool: whether the stem halves the side once more.

    Example:
        >>> DenseNet("densenet121").channels_out
        1024
    """

    def __init__(
        self,
        name: str,
        channels: int = 3,
        stem: Stem = "7x7",
        max_pool: bool = True,  # noqa: FBT001, FBT002 - a setting among settings
    ) -> None:
        super().__init__()
        whole = _MAKERS[name](
            spatial_dims=2, in_channels=channels, out_channels=1, act=("relu", {"inplace": False})
        )
        self.features: nn.Sequential = whole.features
        self.channels_out = int(whole.class_layers.out.in_features)
        if stem == "3x3":
            self.features.conv0 = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
        if not max_pool:
            self.features.pool0 = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps, see :class:`Backbone`."""
        return functional.relu(self.features(images))

    def layers(self) -> list[Layer]:
        """The stem, then one layer a dense layer and a transition; the last has the last norm."""
        parts = dict(self.features.named_children())
        stem = Layer("stem", (parts.pop("conv0"), parts.pop("norm0")))
        last = parts.pop("norm5")
        layers = [layer for name, part in parts.items() for layer in _pieces(name, part)]
        end = Layer(layers[-1].name, (*layers[-1].modules, last))
        return [stem, *layers[:-1], end]

    def first_convolution(self) -> str:
        """See :class:`Backbone`."""
        return "features.conv0.weight"

    def translate(self, name: str) -> str | None:
        """Names of torchvision, and the older ones with a dot before the number."""
        return None if name.startswith("classifier.") else _THEIRS.sub(_OURS, name)


def _pieces(name: str, part: nn.Module) -> list[Layer]:
    if name.startswith("denseblock"):
        return [Layer(f"{name}.{inner}", (piece,)) for inner, piece in part.named_children()]
    return [Layer(name, (part,))] if name.startswith("transition") else []
