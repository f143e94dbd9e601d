"""EfficientNet, built by MONAI.

Source: Tan and Le, EfficientNet: Rethinking Model Scaling (2019).
"""

import torch
from monai.networks.nets.efficientnet import EfficientNetBN
from torch import nn

from deepmed.learning.networks.backbone import Backbone, Layer
from deepmed.learning.networks.settings import Stem


class EfficientNet(Backbone):
    """The convolutions of an EfficientNet.

    Args:
        name: ``efficientnet_b0`` to ``efficientnet_b7``.
        channels: colours of an image.
        stem: ``3x3`` begins at full side; otherwise, as published, with 3x3 at half the side.

    Example:
        >>> EfficientNet("efficientnet_b0", channels=1).channels_out
        1280
    """

    def __init__(self, name: str, channels: int = 3, stem: Stem = "7x7") -> None:
        super().__init__()
        self.body = EfficientNetBN(
            name.replace("_", "-"), pretrained=False, in_channels=channels, num_classes=1
        )
        self.channels_out = int(self.body._fc.in_features)  # noqa: SLF001 - MONAI's parts all begin so
        # Exact gradients, and operators that exports know.
        self.body.set_swish(memory_efficient=False)
        for unused in ("_fc", "_avg_pooling", "_dropout"):
            delattr(self.body, unused)
        if stem == "3x3":
            self.body._conv_stem.stride = (1, 1)  # noqa: SLF001 - see above
            self.body._conv_stem_padding = nn.ZeroPad2d(1)  # noqa: SLF001 - see above

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps, see :class:`Backbone`."""
        parts = dict(self.body.named_children())
        swish = parts["_swish"]
        found = swish(parts["_bn0"](parts["_conv_stem"](parts["_conv_stem_padding"](images))))
        found = parts["_conv_head"](parts["_conv_head_padding"](parts["_blocks"](found)))
        result: torch.Tensor = swish(parts["_bn1"](found))
        return result

    def layers(self) -> list[Layer]:
        """The stem, one layer a block, and the last convolution."""
        parts = dict(self.body.named_children())
        blocks = [
            Layer(f"blocks.{name}", (block,))
            for stack in parts["_blocks"].children()
            for name, block in stack.named_children()
        ]
        stem = Layer("stem", (parts["_conv_stem"], parts["_bn0"]))
        return [stem, *blocks, Layer("end", (parts["_conv_head"], parts["_bn1"]))]

    def first_convolution(self) -> str:
        """See :class:`Backbone`."""
        return "body._conv_stem.weight"

    def translate(self, name: str) -> str | None:
        """Names as MONAI has them, which are not torchvision's."""
        return None if name.startswith("_fc.") else f"body.{name}"
