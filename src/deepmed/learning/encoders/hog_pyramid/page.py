"""What the crop would hide: where on the page the ink lies, how far it reaches and how much it is.

The place of the box is fixed when the page is prepared; every amount of ink is computed from the
pixels, so that taking ink away changes it.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.gradients import smooth_root
from deepmed.learning.encoders.hog_pyramid.inkbox import InkCrop

EXTRAS = 6


@dataclass(frozen=True)
class PageGeometry:
    """Where crop and ink lie, in shares of the page's width and height.

    Attributes:
        frame: (B, 4) left, top, right, bottom of the crop.
        box: (B, 4) the same of the ink.
        size: (B, 2) width and height of the page in shares of the longer one.
    """

    frame: torch.Tensor
    box: torch.Tensor
    size: torch.Tensor

    @classmethod
    def read(cls, frames: torch.Tensor, extras: torch.Tensor) -> "PageGeometry":
        """Read frames (B, 4) in pixels and extras (B, 6) as `extras_of` writes them."""
        page = extras[:, 4:6]
        return cls(
            frame=frames / page.repeat(1, 2),
            box=extras[:, :4] / page.repeat(1, 2),
            size=page / page.amax(dim=1, keepdim=True),
        )


def extras_of(crop: InkCrop) -> list[float]:
    """The ink box and the page's width and height, in pixels."""
    return [float(edge) for edge in (*crop.box, *crop.page)]


def page_facts(ink: torch.Tensor, geometry: PageGeometry) -> torch.Tensor:
    """Place, extent and amount of the ink.

    Args:
        ink: (B, 1, 224, 224), 0 is paper.
        geometry: where crop and ink lie.

    Returns:
        (B, 8): centre x and y, width and height in shares of the page, the logarithms of width
        and height in shares of the page's longer side, and the roots of the ink's share of the
        page and of the crop.
    """
    box, frame = geometry.box, geometry.frame
    extent = box[:, 2:] - box[:, :2]
    crop_share = ink.mean(dim=(1, 2, 3))
    page_share = crop_share * (frame[:, 2] - frame[:, 0]) * (frame[:, 3] - frame[:, 1])
    shares = smooth_root(torch.stack([page_share, crop_share], dim=1))
    logs = torch.log((extent * geometry.size).clamp(min=layout.SMALLEST_EXTENT))
    return torch.cat([(box[:, 2:] + box[:, :2]) / 2, extent, logs, shares], dim=1)


def page_map(ink: torch.Tensor, geometry: PageGeometry) -> torch.Tensor:
    """The share of ink in each of 36 fields of the page.

    Each patch of the crop is laid on the page where it came from, and its ink is divided among
    the fields by the area they share.

    Args:
        ink: (B, 1, 224, 224), 0 is paper.
        geometry: where the crop lies.

    Returns:
        (B, 36), rows from top to bottom.
    """
    patches = functional.avg_pool2d(ink, layout.CELL)[:, 0]
    across = _overlap(geometry.frame[:, 0], geometry.frame[:, 2])
    down = _overlap(geometry.frame[:, 1], geometry.frame[:, 3])
    # Products and sums instead of a matrix product, whose rounding depends on the batch.
    rows = (down[:, :, :, None] * patches[:, None]).sum(dim=2)
    fields = (rows[:, :, None] * across[:, None]).sum(dim=3)
    return fields.flatten(1)


def _overlap(start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """(B, 6, 14): how much of each field each patch of the crop covers, along one side."""
    steps = torch.arange(layout.GRID + 1, device=start.device) / layout.GRID
    edges = start[:, None, None] + (end - start)[:, None, None] * steps
    fields = torch.arange(layout.PAGE_MAP + 1, device=start.device)[:, None] / layout.PAGE_MAP
    upper = torch.minimum(edges[..., 1:], fields[1:])
    lower = torch.maximum(edges[..., :-1], fields[:-1])
    return (upper - lower).clamp(min=0) * layout.PAGE_MAP
