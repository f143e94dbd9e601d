"""Residual networks, with names of weights as in torchvision's state dicts.

Source: He et al., Deep Residual Learning for Image Recognition (2016); the stride is in the 3x3
convolution of a bottleneck, as in the weights that are in use.
"""

import torch
from torch import nn

from deepmed.learning.networks.backbone import Backbone, Layer
from deepmed.learning.networks.settings import USUAL_WIDTH, Stem

STAGES = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
BOTTLENECKS = {"resnet50", "resnet101"}


class ResNet(Backbone):
    """The convolutions of a residual network.

    Args:
        name: one of ``resnet18``, ``resnet34``, ``resnet50``, ``resnet101``.
        channels: colours of an image.
        stem: ``7x7`` at half the side, or ``3x3`` at full side.
        max_pool: whether the stem halves the side once more.
        width: channels of the first stage; each later stage has twice as many.

    Example:
        >>> small = ResNet("resnet18", channels=1, stem="3x3", max_pool=False, width=8)
        >>> small(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 64, 4, 4])
    """

    def __init__(
        self,
        name: str,
        channels: int = 3,
        stem: Stem = "7x7",
        max_pool: bool = True,  # noqa: FBT001, FBT002 - a setting among settings
        width: int = USUAL_WIDTH,
    ) -> None:
        super().__init__()
        size, step, around = (7, 2, 3) if stem == "7x7" else (3, 1, 1)
        self.conv1 = nn.Conv2d(channels, width, size, step, around, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if max_pool else nn.Identity()
        block = _Bottleneck if name in BOTTLENECKS else _Basic
        before = width
        for index, count in enumerate(STAGES[name]):
            inner = width * 2**index
            stage = _stage(block, before, inner, count, 1 if index == 0 else 2)
            self.add_module(f"layer{index + 1}", stage)
            before = inner * block.growth
        self.channels_out = before
        _initialize(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Feature maps, see :class:`Backbone`."""
        found: torch.Tensor = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for stage in self._stages():
            found = stage(found)
        return found

    def layers(self) -> list[Layer]:
        """The stem, then one layer a residual block."""
        blocks = [
            Layer(f"layer{number}.{index}", (block,))
            for number, stage in enumerate(self._stages(), start=1)
            for index, block in enumerate(stage)
        ]
        return [Layer("stem", (self.conv1, self.bn1)), *blocks]

    def first_convolution(self) -> str:
        """See :class:`Backbone`."""
        return "conv1.weight"

    def translate(self, name: str) -> str | None:
        """The names of torchvision are ours."""
        return None if name.startswith("fc.") else name

    def _stages(self) -> list[nn.Sequential]:
        return [self.layer1, self.layer2, self.layer3, self.layer4]  # type: ignore[list-item] # added by name


class _Basic(nn.Module):
    growth = 1

    def __init__(self, before: int, inner: int, step: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, inner, 3, step, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu = nn.ReLU()
        self.downsample = _shortcut(before, inner * self.growth, step)

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        inner = self.relu(self.bn1(self.conv1(found)))
        result: torch.Tensor = self.relu(self.bn2(self.conv2(inner)) + self.downsample(found))
        return result


class _Bottleneck(nn.Module):
    growth = 4

    def __init__(self, before: int, inner: int, step: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, step, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, inner * self.growth, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(inner * self.growth)
        self.relu = nn.ReLU()
        self.downsample = _shortcut(before, inner * self.growth, step)

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        inner = self.relu(self.bn1(self.conv1(found)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        result: torch.Tensor = self.relu(self.bn3(self.conv3(inner)) + self.downsample(found))
        return result


def _shortcut(before: int, after: int, step: int) -> nn.Module:
    if step == 1 and before == after:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(before, after, 1, step, bias=False), nn.BatchNorm2d(after))


def _stage(
    block: type[_Basic | _Bottleneck], before: int, inner: int, count: int, step: int
) -> nn.Sequential:
    first = block(before, inner, step)
    rest = [block(inner * block.growth, inner, 1) for _ in range(count - 1)]
    return nn.Sequential(first, *rest)


def _initialize(network: nn.Module) -> None:
    """Source: He et al., Delving Deep into Rectifiers (2015)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
