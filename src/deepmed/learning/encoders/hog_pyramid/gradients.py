"""Oriented gradients in torch: how much line of which direction runs through each patch.

Source: histograms of oriented gradients (Dalal and Triggs, 2005), on overlapping windows instead
of normalised blocks, because normalising each block makes the vector blind to how much is drawn.
All functions are smooth where they must be: a flat patch has gradient zero, never NaN.
"""

import math

import torch
from torch.nn import functional

from deepmed.learning.encoders.hog_pyramid import layout


def oriented_cells(ink: torch.Tensor) -> torch.Tensor:
    """Mean gradient magnitude by orientation in each patch of 16 by 16 pixels.

    Each pixel's magnitude is shared linearly between the two nearest of eight orientations, so
    the eight planes add up to the magnitude and a slowly turning line moves smoothly.

    Args:
        ink: (B, 1, 224, 224) float, 0 is paper and 1 the darkest ink.

    Returns:
        (B, 8, 14, 14), grey levels (1 is paper to ink) a pixel.

    Example:
        >>> ink = torch.zeros(1, 1, 224, 224)
        >>> ink[..., 100:] = 1.0
        >>> oriented_cells(ink)[0, :, 0, 6].nonzero().flatten()
        tensor([0])
    """
    return cells_of(functional.pad(ink, (1, 1, 1, 1), mode="replicate"))


def cells_of(padded: torch.Tensor) -> torch.Tensor:
    """`oriented_cells` of ink that has one more pixel on each side.

    Args:
        padded: (B, 1, 16 m + 2, 16 n + 2) float.

    Returns:
        (B, 8, m, n).

    Example:
        >>> cells_of(torch.zeros(3, 1, 18, 34)).shape
        torch.Size([3, 8, 1, 2])
    """
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    dy = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    squared = dx * dx + dy * dy
    floor = layout.GRADIENT_FLOOR
    magnitude = squared / (torch.sqrt(squared + floor * floor) + floor)
    direction = _direction(dx, dy, squared)
    planes = [_plane(direction, magnitude, k) for k in range(layout.ORIENTATIONS)]
    return torch.cat(planes, dim=1)


def _direction(dx: torch.Tensor, dy: torch.Tensor, squared: torch.Tensor) -> torch.Tensor:
    """Direction modulo 180°, from 0 to 8 in steps of 22.5°."""
    # atan2 has no gradient at the origin; a flat pixel has no direction, and magnitude zero.
    flat = squared < 1e-12
    angle = torch.atan2(torch.where(flat, 0.0, dy), torch.where(flat, 1.0, dx))
    turned = angle * (layout.ORIENTATIONS / math.pi)
    return torch.where(turned < 0, turned + layout.ORIENTATIONS, turned)


def _plane(direction: torch.Tensor, magnitude: torch.Tensor, k: int) -> torch.Tensor:
    apart = (direction - k).abs()
    if k == 0:  # 180° is 0° again
        apart = torch.minimum(apart, layout.ORIENTATIONS - apart)
    share = (1 - apart).clamp(min=0)
    return functional.avg_pool2d(share * magnitude, layout.CELL)


def windows(cells: torch.Tensor, size: int, step: int, count: int) -> torch.Tensor:
    """Means over overlapping windows of patches.

    Args:
        cells: (B, C, 14, 14).
        size: patches a side of a window.
        step: patches from one window to the next.
        count: windows a side that must come out.

    Returns:
        (B, C, count, count).

    Raises:
        ValueError: the windows do not cover the grid exactly.

    Example:
        >>> windows(torch.ones(1, 8, 14, 14), size=4, step=2, count=6).shape
        torch.Size([1, 8, 6, 6])
    """
    if size + step * (count - 1) != layout.GRID:
        raise ValueError(f"{count} windows of {size} every {step} do not cover {layout.GRID}.")
    return functional.avg_pool2d(cells, size, step)


def smooth_root(values: torch.Tensor) -> torch.Tensor:
    """The square root, straight instead of steep below the floor.

    Args:
        values: non-negative, of any shape.

    Returns:
        The same shape; 0 stays 0, with a finite gradient.

    Example:
        >>> smooth_root(torch.tensor([0.0, 1.0])).round(decimals=3)
        tensor([0., 1.])
    """
    return values / torch.sqrt(values + layout.ROOT_FLOOR)


def unit_length(values: torch.Tensor) -> torch.Tensor:
    """Rows scaled to length one; nearly empty rows stay near zero instead of becoming noise.

    Args:
        values: (B, d).

    Returns:
        (B, d).

    Example:
        >>> unit_length(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).round(decimals=2)
        tensor([[0.6000, 0.8000], [0.0000, 0.0000]])
    """
    squares = (values * values).sum(dim=1, keepdim=True)
    return values / torch.sqrt(squares + layout.NORM_FLOOR**2)
