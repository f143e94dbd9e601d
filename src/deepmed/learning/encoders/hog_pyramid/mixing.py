"""Gradients of one page with some patches replaced: hundreds of pictures that are nearly the same.

What runs through a patch depends on its own pixels and on one row or column of each neighbour. So
of two pages that are mixed patch by patch, each patch has at most 32 forms, and few of them occur:
each is measured once, however many pictures show it.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.gradients import cells_of

_AROUND = layout.CELL + 2
_SIDES = 5
"""A patch itself, and what lies above, below, left and right of it."""
_FORMS = 2**_SIDES


def mixed_ink(page: torch.Tensor, fill: torch.Tensor, filled: NDArray[np.bool_]) -> torch.Tensor:
    """The page with some patches replaced.

    Args:
        page: (1, 1, 224, 224).
        fill: (1, 1, 224, 224), what stands in the replaced patches.
        filled: (B, 196), which patches are replaced.

    Returns:
        (B, 1, 224, 224).

    Example:
        >>> page, fill = torch.zeros(1, 1, 224, 224), torch.ones(1, 1, 224, 224)
        >>> mixed_ink(page, fill, np.eye(196, dtype=bool)[:2]).sum(dim=(1, 2, 3))
        tensor([256., 256.])
    """
    shape = layout.GRID, layout.CELL, layout.GRID, layout.CELL
    which = torch.from_numpy(filled).to(page.device).view(-1, layout.GRID, 1, layout.GRID, 1)
    mixed = torch.where(which, fill.view(1, *shape), page.view(1, *shape))
    return mixed.reshape(-1, 1, layout.SIZE, layout.SIZE)


def mixed_cells(page: torch.Tensor, fill: torch.Tensor, filled: NDArray[np.bool_]) -> torch.Tensor:
    """What `oriented_cells` gives for each picture of `mixed_ink`.

    Args:
        page: (1, 1, 224, 224), ink.
        fill: (1, 1, 224, 224), ink in the replaced patches.
        filled: (B, 196), which patches are replaced.

    Returns:
        (B, 8, 14, 14).

    Example:
        >>> page, fill = torch.zeros(1, 1, 224, 224), torch.ones(1, 1, 224, 224)
        >>> cells = mixed_cells(page, fill, np.eye(196, dtype=bool)[:1])
        >>> cells.shape, int((cells.sum(dim=1) > 0).sum())
        (torch.Size([1, 8, 14, 14]), 3)
    """
    keys = _forms(filled) + _FORMS * np.arange(layout.GRID**2)
    distinct, places = np.unique(keys, return_inverse=True)
    patches = torch.from_numpy(distinct // _FORMS).to(page.device)
    chosen = _pixels_of_forms().to(page.device)[torch.from_numpy(distinct % _FORMS).to(page.device)]
    around = torch.where(chosen, _surroundings(fill)[patches], _surroundings(page)[patches])
    measured = cells_of(around[:, None]).flatten(1)
    found = measured[torch.from_numpy(places.reshape(filled.shape)).to(page.device)]
    # In memory as `oriented_cells` has them: the order of a sum, and its last bit, depend on it.
    in_planes = found.transpose(1, 2).contiguous()
    return in_planes.view(-1, layout.ORIENTATIONS, layout.GRID, layout.GRID)


def _forms(filled: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(B, 196): which of the patch and its neighbours are replaced, as a number below 32.

    Beyond the page's edge its own pixels are repeated, so there a patch is its own neighbour.
    """
    grid = filled.reshape(-1, layout.GRID, layout.GRID)
    wide = np.pad(grid, ((0, 0), (1, 1), (1, 1)), mode="edge")
    sides = (grid, wide[:, :-2, 1:-1], wide[:, 2:, 1:-1], wide[:, 1:-1, :-2], wide[:, 1:-1, 2:])
    forms = sum(side.astype(np.int64) << bit for bit, side in enumerate(sides))
    return np.asarray(forms).reshape(filled.shape)


def _pixels_of_forms() -> torch.Tensor:
    """(32, 18, 18) bool: which pixels in and around a patch of each form are replaced ones."""
    shown = torch.zeros(_SIDES, _AROUND, _AROUND, dtype=torch.bool)
    inner, first, last = slice(1, -1), slice(1), slice(-1, None)
    places = ((inner, inner), (first, inner), (last, inner), (inner, first), (inner, last))
    for side, (rows, columns) in enumerate(places):
        shown[side, rows, columns] = True
    bits = torch.arange(_FORMS)[:, None] >> torch.arange(_SIDES) & 1
    return (bits.bool()[:, :, None, None] & shown).any(dim=1)


def _surroundings(ink: torch.Tensor) -> torch.Tensor:
    """(196, 18, 18): each patch with one pixel around it."""
    padded = functional.pad(ink, (1, 1, 1, 1), mode="replicate")[0, 0]
    windows = padded.unfold(0, _AROUND, layout.CELL).unfold(1, _AROUND, layout.CELL)
    return windows.reshape(-1, _AROUND, _AROUND)
