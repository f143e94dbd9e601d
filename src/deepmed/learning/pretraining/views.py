"""Two looks at one drawing: what may differ without its being another drawing.

Never mirrored and never cut: where a part lies, and which way it faces, is what a drawing is.
"""

import math

import torch
from torch.nn import functional

TURN = math.radians(8)
STRETCH, SLANT, SHIFT = 0.08, 0.06, 0.05
PALEST = 0.65
GRAIN = 0.04


def view(ink: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """The same drawings, held a little otherwise, by a heavier or lighter pen, on other paper.

    Args:
        ink: (B, 1, S, S) in [0, 1], 0 is paper.
        random: source of all differences.

    Returns:
        (B, 1, S, S) in [0, 1].

    Example:
        >>> ink = torch.zeros(3, 1, 16, 16)
        >>> view(ink, torch.Generator().manual_seed(0)).shape
        torch.Size([3, 1, 16, 16])
    """
    return _on_paper(_pressed(_placed(ink, random), random), random)


def _placed(ink: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    turn, slant = TURN * _even(ink, random), SLANT * _even(ink, random)
    across, down = (torch.exp(STRETCH * _even(ink, random)) for _ in range(2))
    shift = [2 * SHIFT * _even(ink, random) for _ in range(2)]
    cos, sin = torch.cos(turn), torch.sin(turn)
    rows = [
        torch.stack([across * cos, across * (slant * cos - sin), shift[0]], dim=1),
        torch.stack([down * sin, down * (slant * sin + cos), shift[1]], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(ink.shape), align_corners=False)
    return functional.grid_sample(ink, grid, align_corners=False)


def _pressed(ink: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Strokes up to a pixel wider, or up to half of that thinner, and paler or not."""
    wider = functional.max_pool2d(ink, 3, stride=1, padding=1)
    thinner = -functional.max_pool2d(-ink, 3, stride=1, padding=1)
    share = _even(ink, random).reshape(-1, 1, 1, 1)
    pressed = ink + share.clamp(min=0) * (wider - ink) + (-share / 2).clamp(min=0) * (thinner - ink)
    strength = 1 - (1 - PALEST) * (_even(ink, random).reshape(-1, 1, 1, 1) + 1) / 2
    return pressed * strength


def _on_paper(ink: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    noise = torch.randn(ink.shape, generator=random)
    amount = GRAIN * (_even(ink, random).reshape(-1, 1, 1, 1) + 1) / 2
    return (ink + amount * noise).clamp(0, 1)


def _even(ink: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """(B,) evenly from -1 to 1."""
    return 2 * torch.rand(len(ink), generator=random) - 1
