"""The network of `stroke-net`: half a million weights, small enough for a processor core."""

import torch
from torch import nn
from torch.nn import functional

from deepmed.learning.encoders.stroke_net import layout


class StrokeNet(nn.Module):
    """Residual convolutions over the ink of a crop, read off at three scales.

    Source of the building blocks: He et al., Deep Residual Learning for Image Recognition (2016).

    Example:
        >>> network = StrokeNet().eval()
        >>> network(torch.zeros(2, 1, 112, 112)).shape
        torch.Size([2, 612])
    """

    def __init__(self) -> None:
        super().__init__()
        channels = layout.CHANNELS
        self.stem = _unit(1, channels["stem"], size=4)
        self.fine = _stage(channels["stem"], channels["fine"])
        self.middle = _stage(channels["fine"], channels["middle"])
        self.deep = _stage(channels["middle"], channels["deep"])
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(channels[name], count, 1) for name, count in layout.HEADS.items()}
        )

    def forward(self, ink: torch.Tensor) -> torch.Tensor:
        """The learned part of the vectors.

        Args:
            ink: (B, 1, 112, 112) in [0, 1], 0 is paper.

        Returns:
            (B, 612).
        """
        fine = self.fine(self.stem(ink))
        middle = self.middle(fine)
        maps = {"fine": fine, "middle": middle, "deep": self.deep(middle)}
        # A head is linear, so the mean over a window is taken first: fewer products, same numbers.
        read = [
            self.heads[name](functional.avg_pool2d(found, *layout.WINDOWS[name])).flatten(1)
            for name, found in maps.items()
        ]
        return torch.cat(read, dim=1)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _unit(channels, channels, size=3, step=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, found: torch.Tensor) -> torch.Tensor:
        return functional.relu(found + self.norm(self.second(self.first(found))))


def _stage(before: int, after: int) -> nn.Sequential:
    """Half the side, and a look around."""
    return nn.Sequential(_unit(before, after, size=3), _Residual(after))


def _unit(before: int, after: int, *, size: int, step: int = 2) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, step, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
