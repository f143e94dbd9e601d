"""What a network learns from: drawings, and what their maker knew of each."""

from dataclasses import asdict, dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Lessons:
    """Procedural drawings with what is known of each because it was drawn so.

    Attributes:
        ink: (n, 1, 112, 112) uint8, 0 is paper.
        kinds: (n,) int64, what each shows.
        traits: (n, t) float32, how each was drawn; any units.
    """

    ink: torch.Tensor
    kinds: torch.Tensor
    traits: torch.Tensor

    def __len__(self) -> int:
        return len(self.ink)

    def standardized_traits(self) -> torch.Tensor:
        """(n, t) each trait in units of its deviation; one that never differs is 0.

        Example:
            >>> ink, kinds = torch.zeros(2, 1, 112, 112), torch.zeros(2, dtype=torch.int64)
            >>> Lessons(ink, kinds, torch.tensor([[1., 5.], [3., 5.]])).standardized_traits()
            tensor([[-1.,  0.],
                    [ 1.,  0.]])
        """
        deviation = self.traits.std(dim=0, correction=0)
        spread = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
        return (self.traits - self.traits.mean(dim=0)) / spread


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the same recipe and seed give the same weights on one machine.

    Attributes:
        steps: batches that it learns from.
        batch: drawings a batch, each seen in two views.
        drawings: how many are made to learn from.
        learning_rate: the highest, of AdamW; it rises for `warm_up` of the steps and falls as a
            cosine.
        weight_decay: of AdamW.
        warm_up: share of the steps.
        projection: numbers that views are compared in.
        alike: weight of two views' likeness.
        spread: weight of the spread over drawings.
        apart: weight of the numbers' independence.
        known: weight of telling kind and traits.
    """

    steps: int = 240
    batch: int = 64
    drawings: int = 1536
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    projection: int = 256
    alike: float = 25.0
    spread: float = 25.0
    apart: float = 1.0
    known: float = 5.0

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON.

        Example:
            >>> Recipe(steps=5).to_dict()["steps"]
            5
        """
        return asdict(self)
