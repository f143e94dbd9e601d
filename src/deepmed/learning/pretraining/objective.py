"""What a network is asked for: alike for two views of one drawing, unlike for two drawings."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from deepmed.learning.encoders.stroke_net import layout
from deepmed.learning.encoders.stroke_net.network import StrokeNet
from deepmed.learning.pretraining.lessons import Recipe

_FLOOR = 1e-4


@dataclass(frozen=True)
class Terms:
    """The parts of a loss, each a mean over the batch.

    Attributes:
        alike: squared distance of two views of one drawing.
        spread: how far deviations over the batch fall short of 1.
        apart: squared covariances of different numbers.
        kind: cross entropy of what is drawn, in nats.
        traits: squared error of how it is drawn, in units of the traits' variance.
    """

    alike: torch.Tensor
    spread: torch.Tensor
    apart: torch.Tensor
    kind: torch.Tensor
    traits: torch.Tensor

    def loss(self, recipe: Recipe) -> torch.Tensor:
        """The weighted sum."""
        views = recipe.alike * self.alike + recipe.spread * self.spread + recipe.apart * self.apart
        return views + recipe.known * (self.kind + self.traits)

    def numbers(self) -> dict[str, float]:
        """Each part as a number."""
        return {name: float(part.detach()) for name, part in vars(self).items()}


class Learner(nn.Module):
    """The network with what it needs only while it learns.

    Args:
        kinds: how many kinds of drawings there are.
        traits: how many traits.
        projection: numbers that views are compared in.
    """

    def __init__(self, kinds: int, traits: int, projection: int) -> None:
        super().__init__()
        self.network = StrokeNet()
        self.project = nn.Sequential(
            nn.Linear(layout.LEARNED, projection),
            nn.BatchNorm1d(projection),
            nn.ReLU(inplace=True),
            nn.Linear(projection, projection),
        )
        self.norm = nn.BatchNorm1d(layout.LEARNED, affine=False)
        self.kind = nn.Linear(layout.LEARNED, kinds)
        self.traits = nn.Linear(layout.LEARNED, traits)

    def terms(
        self, views: tuple[torch.Tensor, torch.Tensor], kinds: torch.Tensor, traits: torch.Tensor
    ) -> Terms:
        """The loss of a batch, by parts.

        Args:
            views: twice (B, 1, 112, 112), the same drawings in the same order.
            kinds: (B,) what each shows.
            traits: (B, t) how it was drawn, standardised.
        """
        # Half precision halves the time; what is compared is computed in full.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            read = self.network(torch.cat(views).to(memory_format=torch.channels_last))
        found = self.norm(read.float())
        first, second = self.project(found).chunk(2)
        return Terms(
            alike=functional.mse_loss(first, second),
            spread=(_too_narrow(first) + _too_narrow(second)) / 2,
            apart=_together(first) + _together(second),
            kind=functional.cross_entropy(self.kind(found), kinds.repeat(2)),
            traits=functional.mse_loss(self.traits(found), traits.repeat(2, 1)),
        )


def _too_narrow(found: torch.Tensor) -> torch.Tensor:
    """Variance term of VICReg (Bardes, Ponce and LeCun 2022): hinge of each deviation at 1."""
    deviation = torch.sqrt(found.var(dim=0) + _FLOOR)
    return functional.relu(1 - deviation).mean()


def _together(found: torch.Tensor) -> torch.Tensor:
    """Covariance term of VICReg: squared covariances beside the diagonal, by numbers."""
    centred = found - found.mean(dim=0)
    covariance = centred.T @ centred / (len(found) - 1)
    beside = covariance - torch.diag(torch.diagonal(covariance))
    return beside.square().sum() / found.shape[1]
