from collections.abc import Iterator

import pytest
import torch
from torch import nn


class Finder(nn.Module):
    """Finds bright blobs: a convolution that sees brightness, its mean, and one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.act = nn.ReLU()
        self.head = nn.Linear(2, 1)
        with torch.no_grad():
            self.conv.weight[0], self.conv.weight[1] = 1 / 9, -1 / 9
            self.conv.bias.copy_(torch.tensor([-1.0, 0.0]))
            self.head.weight.copy_(torch.tensor([[60.0, -10.0]]))
            self.head.bias.fill_(-3.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.act(self.conv(images)).mean(dim=(2, 3)))


@pytest.fixture
def finder() -> Finder:
    return Finder()


@pytest.fixture
def blob() -> torch.Tensor:
    """Noise around nought with a bright square in the upper left."""
    image = 0.02 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    image[..., 4:12, 4:12] += 2
    return image


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
