"""The score of a class as a function of an image's pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import nn

from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.score import FloatArray, patch_masks

MOST_PATCHES = 16
FEWEST_PATCHES = 4
"""A side."""


def class_logit(logits: torch.Tensor, class_index: int) -> torch.Tensor:
    """The logit of one class.

    Args:
        logits: (B,) or (B, 1) of class 1 against class 0, or (B, classes).
        class_index: which.

    Returns:
        (B,).

    Raises:
        SaliencyGenerationError: there is no such class.

    Example:
        >>> class_logit(torch.tensor([[2.0]]), 0).tolist()
        [-2.0]
    """
    columns = logits[:, None] if logits.ndim == 1 else logits
    single = columns.shape[1] == 1
    if columns.ndim != 2 or not 0 <= class_index < (2 if single else columns.shape[1]):
        raise SaliencyGenerationError(
            f"A network with an output of shape {tuple(logits.shape)} has no class {class_index}."
        )
    return columns[:, 0] * (2 * class_index - 1) if single else columns[:, class_index]


def log_odds(
    logits: torch.Tensor,
    class_index: int,
    temperature: float = 1.0,
    offsets: Sequence[float] = (),
) -> torch.Tensor:
    """The log odds of one class against all others: the logit of its probability.

    Args:
        logits: (B,) or (B, 1), or (B, classes).
        class_index: which.
        temperature: by which logits are divided first.
        offsets: what is added to them then: one number, or one a class; none if empty.

    Returns:
        (B,) float64.

    Example:
        >>> shares = torch.tensor([[0.2, 0.3, 0.5]]).log()
        >>> round(float(torch.sigmoid(log_odds(shares, 2))[0]), 4)
        0.5
    """
    cool = logits.double() / temperature + torch.tensor(
        offsets or (0.0,), dtype=torch.float64, device=logits.device
    )
    own = class_logit(cool, class_index)
    if cool.ndim == 1 or cool.shape[1] == 1:
        return own
    others = [number for number in range(cool.shape[1]) if number != class_index]
    return own - torch.logsumexp(cool[:, others], dim=1)


@dataclass(frozen=True, eq=False)
class ClassScore:
    """The log odds of one class around one image, for occlusion and for insertion and deletion.

    The network is asked as it is; it must be in evaluation mode.

    Attributes:
        network: from (B, C, H, W) to logits.
        pixels: (1, C, H, W), the image as the network sees it.
        class_index: the class to explain.
        temperature: by which logits are divided.
        offsets: what is added to them then; none if empty.
        batch_size: images at a time.
        most_patches: along a side.

    Example:
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1)).eval()
        >>> score = ClassScore(network, torch.zeros(1, 1, 8, 8), 1)
        >>> score.grid, score.scores(torch.zeros(3, 1, 8, 8)).shape
        ((8, 8), (3,))
    """

    network: nn.Module
    pixels: torch.Tensor
    class_index: int
    temperature: float = 1.0
    offsets: Sequence[float] = ()
    batch_size: int = 32
    most_patches: int = MOST_PATCHES

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches: as many as divide the side, sixteen at most by default.

        Raises:
            SaliencyGenerationError: a side cannot be cut into four or more equal parts.
        """
        height, width = self.pixels.shape[-2:]
        return _patches(height, self.most_patches), _patches(width, self.most_patches)

    def scores(self, pixels: torch.Tensor) -> FloatArray:
        """(B,) log odds of (B, C, H, W)."""
        with torch.no_grad():
            parts = [
                log_odds(self.network(part), self.class_index, self.temperature, self.offsets)
                for part in torch.split(pixels, self.batch_size)
            ]
        found: FloatArray = torch.cat(parts).cpu().numpy()
        return found

    def mixed_scores(self, fill: torch.Tensor, filled: NDArray[np.bool_]) -> FloatArray:
        """(B,) log odds where `fill` stands in the patches that `filled` (B, P) names."""
        height, width = self.pixels.shape[-2:]
        parts = [
            filled[start : start + self.batch_size]
            for start in range(0, len(filled), self.batch_size)
        ]
        return np.concatenate(
            [
                self.scores(
                    torch.where(
                        patch_masks(part, self.grid, width, height).to(self.pixels.device),
                        fill,
                        self.pixels,
                    )
                )
                for part in parts
            ]
        )

    def probabilities(self, pixels: torch.Tensor) -> FloatArray:
        """(B,) probabilities of the class."""
        found: FloatArray = special.expit(self.scores(pixels))
        return found


def _patches(side: int, most: int) -> int:
    best = max(count for count in range(1, most + 1) if side % count == 0)
    if best < FEWEST_PATCHES:
        raise SaliencyGenerationError(
            f"A side of {side} pixels cannot be cut into {FEWEST_PATCHES} to {most} equal "
            "parts, so no patches can be taken away. Scale images to another size."
        )
    return best
