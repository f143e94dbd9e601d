"""The patches that a vision transformer attends to most (D-17)."""

from dataclasses import dataclass

import torch

from deepmed.learning.encoders import AttentionPass
from deepmed.learning.errors import AttentionVisualizationError
from deepmed.learning.saliency.maps import Frame
from deepmed.learning.saliency.places import Box, page_box


@dataclass(frozen=True)
class AttendedPatch:
    """A patch with the head of the last layer that attends to it most.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the original, right and bottom exclusive.
        weight: share of that head's attention, from the token whose vector is scored, 0 to 1.
        layer: of the network, counted from 0.
        head: of that layer, counted from 0.

    Example:
        >>> AttendedPatch((0, 0, 16, 16), 0.25, layer=11, head=3).weight
        0.25
    """

    box: Box
    weight: float
    layer: int
    head: int


def strongest_patches(
    seen: AttentionPass, frame: Frame, page: tuple[int, int], most: int = 5
) -> list[AttendedPatch]:
    """The patches with the largest attention weight in any head of the last layer.

    Attention shows what the encoder looked at; it is the same whatever detector scores the vector,
    so it explains no score.

    Args:
        seen: one page's pass.
        frame: x0, y0, x1, y1 of the square that the encoder saw, in pixels of the original.
        page: width and height of the original in pixels.
        most: patches at most.

    Returns:
        The largest weight first; patches beyond the page are passed over.

    Raises:
        AttentionVisualizationError: the pass holds more than one page.

    Example:
        >>> attention = torch.zeros(1, 2, 5, 5)  # two heads, one token and four patches
        >>> attention[0, 1, 0, 3] = 0.75
        >>> seen = AttentionPass(torch.zeros(1, 8), (attention,), torch.zeros(1, 5, 8), 1, (2, 2))
        >>> strongest_patches(seen, (0, 0, 20, 20), (20, 20), most=1)
        [AttendedPatch(box=(0, 10, 10, 20), weight=0.75, layer=0, head=1)]
    """
    last = seen.attentions[-1].detach().float().cpu()
    if len(last) != 1:
        raise AttentionVisualizationError(f"{len(last)} pages were looked at; one is shown.")
    weights, heads = last[0, :, 0, seen.prefix_tokens :].max(dim=0)
    rows, columns = seen.patch_grid
    found: list[AttendedPatch] = []
    for place in torch.argsort(weights, descending=True, stable=True).tolist():
        row, column = divmod(place, columns)
        box = page_box((row, column, row + 1, column + 1), (rows, columns), frame, page)
        if box is not None:
            layer = len(seen.attentions) - 1
            found.append(AttendedPatch(box, float(weights[place]), layer, int(heads[place])))
        if len(found) == most:
            break
    return found
