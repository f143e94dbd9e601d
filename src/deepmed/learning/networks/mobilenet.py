"""MobileNet, built by transformers.

Sources: Howard et al., MobileNets (2017); Sandler et al., MobileNetV2 (2018).
"""

import torch
from torch import nn
from transformers import MobileNetV1Config, MobileNetV1Model, MobileNetV2Config, MobileNetV2Model

from deepmed.learning.networks.backbone import Backbone, Layer
from deepmed.learning.networks.settings import Stem

_PARTS = {
    "mobilenet_v1": (MobileNetV1Config, MobileNetV1Model),
    "mobilenet_v2": (MobileNetV2Config, MobileNetV2Model),
}
_STEMS = {
    "mobilenet_v1": "conv_stem.convolution",
    "mobilenet_v2": "conv_stem.first_conv.convolution",
}
_MOMENTUM = 0.1
"""Of running means. transformers has TensorFlow's share of the *old* mean in the place of torch's
share of the *new* one: validation would see the means of the last batch alone."""


class MobileNet(Backbone):
    """The convolutions of a MobileNet.

    Args:
        name: ``mobilenet_v1`` or ``mobilenet_v2``.
        channels: colours of an image.
        stem: ``3x3`` begins at full side; otherwise, as published, with 3x3 at half the side.

    Example:
        >>> MobileNet("mobilenet_v2", channels=1).channels_out
        1280
    """

    def __init__(self, name: str, channels: int = 3, stem: Stem = "7x7") -> None:
        super().__init__()
        config, model = _PARTS[name]
        self.name = name
        self.body = model(config(num_channels=channels), add_pooling_layer=False)
        found = [module for module in self.body.modules() if isinstance(module, nn.BatchNorm2d)]
        for normalization in found:
            normalization.momentum = _MOMENTUM
        self.channels_out = found[-1].num_features
        if stem == "3x3":
            self.body.get_submodule(_STEMS[name]).stride = (1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps, see :class:`Backbone`."""
        found: torch.Tensor = self.body(images).last_hidden_state
        return found

    def layers(self) -> list[Layer]:
        """The stem, one layer a block, and in version 2 the last convolution."""
        parts = dict(self.body.named_children())
        blocks = [
            Layer(f"layer.{name}", (block,)) for name, block in parts["layer"].named_children()
        ]
        end = [Layer("end", (parts["conv_1x1"],))] if "conv_1x1" in parts else []
        return [Layer("stem", (parts["conv_stem"],)), *blocks, *end]

    def first_convolution(self) -> str:
        """See :class:`Backbone`."""
        return f"body.{_STEMS[self.name]}.weight"

    def translate(self, name: str) -> str | None:
        """Names as transformers has them, with or without the model's name in front."""
        return None if name.startswith("classifier.") else f"body.{name.removeprefix(self._front)}"

    @property
    def _front(self) -> str:
        return f"{self.name}."
