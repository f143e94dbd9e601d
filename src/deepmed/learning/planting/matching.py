"""Bring an altered drawing back to its original's ink box and amount of ink.

Strokes are thickened or thinned (grey dilation or erosion, blended with the picture), because
that is how a heavier or lighter pen differs; what is still too much is taken away by paler colour.
Both have limits: a drawing beyond them would give itself away and counts as not attainable.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import ndimage

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting.ink import Depth, Image, InkBox, box_of, darkness, ink_depth
from deepmed.learning.planting.kinds import BoxErrors

# A box this close is only moved: resampling would soften the strokes for nothing.
_CLOSE_ENOUGH = 0.03
_CLOSE_INK = 0.02
# A step takes or adds about one pixel in this many of the longer side at each edge of a stroke.
_STEP = 240
_MOST_STEPS = 2
# Thin lines vanish under a full erosion.
_MOST_THINNING = 0.5
_PALEST = 0.65
# One side may be stretched this much more than the other.
_MOST_DISTORTION = 2.0


def fit_to_box(crop: Depth, width: int, height: int) -> Depth:
    """The ink of a crop resized to a box of the given size.

    Args:
        crop: float32 (h, w, 3), darkness by channel; its own empty margins are cut off.
        width: Columns of the result.
        height: Rows of the result.

    Returns:
        float32 (height, width, 3), or within 3 % of it where the crop nearly has that size.

    Raises:
        InsufficientDataError: The crop is blank or would have to be stretched beyond recognition.

    Example:
        >>> import numpy as np
        >>> crop = np.zeros((30, 30, 3), dtype=np.float32)
        >>> crop[5:15, 5:15] = 1.0
        >>> fit_to_box(crop, 20, 12).shape
        (12, 20, 3)
    """
    inside = crop[box_of(darkness(crop)).slices]
    rows, columns = inside.shape[:2]
    stretches = (width / columns, height / rows)
    if max(stretches) > _MOST_DISTORTION * min(stretches):
        raise InsufficientDataError("The altered drawing does not fit its original's box.")
    if max(abs(stretch - 1.0) for stretch in stretches) <= _CLOSE_ENOUGH:
        return inside
    channels = [
        np.asarray(
            PillowImage.fromarray(np.ascontiguousarray(inside[:, :, channel])).resize(
                (width, height), PillowImage.Resampling.BILINEAR
            )
        )
        for channel in range(3)
    ]
    return np.stack(channels, axis=2)


def match_ink(depth: Depth, amount: float) -> Depth:
    """The same strokes with about the given amount of ink.

    Args:
        depth: float32 (H, W, 3), darkness by channel.
        amount: Wanted sum of darkness, in pixels of full black.

    Returns:
        float32 (H, W, 3); as near to the amount as its limits of thickness and paleness let it.

    Example:
        >>> import numpy as np
        >>> depth = np.zeros((40, 40, 3), dtype=np.float32)
        >>> depth[20, 5:35] = 1.0
        >>> round(float(darkness(match_ink(depth, 60.0)).sum()))
        60
    """
    if _amount(depth) > amount * (1 + _CLOSE_INK):
        return _paler(_thinner(depth, amount), amount)
    for _ in range(_MOST_STEPS):
        if _amount(depth) >= amount * (1 - _CLOSE_INK):
            break
        depth = _thicker(depth, amount)
    return depth


def _amount(depth: Depth) -> float:
    return float(darkness(depth).sum(dtype=np.float64))


def _edge(depth: Depth) -> tuple[int, int, int]:
    side = 2 * max(1, round(max(depth.shape) / _STEP)) + 1
    return side, side, 1


def _blend(depth: Depth, other: Depth, amount: float, most: float) -> Depth:
    """Mixed so that the ink, nearly linear in the share, comes out at the amount."""
    have, would = _amount(depth), _amount(other)
    share = (amount - have) / (would - have) if would != have else 0.0
    return np.asarray(depth + np.float32(np.clip(share, 0.0, most)) * (other - depth))


def _thicker(depth: Depth, amount: float) -> Depth:
    return _blend(depth, ndimage.maximum_filter(depth, size=_edge(depth)), amount, 1.0)


def _thinner(depth: Depth, amount: float) -> Depth:
    return _blend(depth, ndimage.minimum_filter(depth, size=_edge(depth)), amount, _MOST_THINNING)


def _paler(depth: Depth, amount: float) -> Depth:
    share = np.clip(amount / max(_amount(depth), 1e-9), _PALEST, 1.0)
    return np.asarray(depth * np.float32(share))


def put_into(depth: Depth, box: InkBox, crop: Depth) -> Depth:
    """The page with the ink of its box replaced by the crop, centred on the box.

    Args:
        depth: float32 (H, W, 3), darkness of the whole page.
        box: The original's ink box.
        crop: float32 (h, w, 3), about the size of the box.

    Returns:
        float32 (H, W, 3); outside the box the page keeps its own paper.

    Example:
        >>> import numpy as np
        >>> page = np.zeros((10, 10, 3), dtype=np.float32)
        >>> crop = np.ones((2, 4, 3), dtype=np.float32)
        >>> int(put_into(page, InkBox(3, 4, 7, 6), crop)[:, :, 0].sum())
        8
    """
    page = depth.copy()
    page[box.slices] = 0.0
    rows, columns = min(crop.shape[0], page.shape[0]), min(crop.shape[1], page.shape[1])
    top = int(np.clip(box.top + (box.height - rows) // 2, 0, page.shape[0] - rows))
    left = int(np.clip(box.left + (box.width - columns) // 2, 0, page.shape[1] - columns))
    target = page[top : top + rows, left : left + columns]
    np.maximum(target, crop[:rows, :columns], out=target)
    return page


def to_image(depth: Depth, paper: NDArray[np.float32]) -> Image:
    """Darkness turned back into a picture on its paper.

    Args:
        depth: float32 (H, W, 3).
        paper: (3,) colour of the sheet.

    Returns:
        uint8 (H, W, 3) RGB.

    Example:
        >>> import numpy as np
        >>> to_image(np.full((1, 1, 3), 0.5, dtype=np.float32), np.array([200.0] * 3)).tolist()
        [[[100, 100, 100]]]
    """
    return np.asarray(np.rint(np.clip((1.0 - depth) * paper, 0, 255)), dtype=np.uint8)


def compare(original: Image, altered: Image) -> tuple[float, BoxErrors]:
    """Ink and box of an altered drawing measured against its original.

    Args:
        original: uint8 (H, W, 3) RGB.
        altered: uint8 (H, W, 3) RGB.

    Returns:
        Ink of the altered divided by ink of the original, and the errors of the box.

    Raises:
        InsufficientDataError: One of the pages is blank.

    Example:
        >>> import numpy as np
        >>> page = np.full((50, 50, 3), 255, dtype=np.uint8)
        >>> page[10:20, 10:30] = 0
        >>> compare(page, np.roll(page, 1, axis=1))
        (1.0, BoxErrors(x=0.05, y=0.0, width=0.0, height=0.0))
    """
    return compare_darkness(darkness(ink_depth(original)), darkness(ink_depth(altered)))


def compare_darkness(before: Depth, after: Depth) -> tuple[float, BoxErrors]:
    """As `compare`, of pages that are measured already.

    Args:
        before: float32 (H, W) of the original.
        after: float32 (H, W) of the altered drawing.

    Returns:
        Ink of the altered divided by ink of the original, and the errors of the box.

    Raises:
        InsufficientDataError: One of the pages is blank.

    Example:
        >>> import numpy as np
        >>> dark = np.zeros((50, 50), dtype=np.float32)
        >>> dark[10:20, 10:30] = 1.0
        >>> compare_darkness(dark, dark * np.float32(0.5))[0]
        0.5
    """
    old, new = box_of(before), box_of(after)
    errors = BoxErrors(
        x=(new.centre[0] - old.centre[0]) / old.width,
        y=(new.centre[1] - old.centre[1]) / old.height,
        width=new.width / old.width - 1.0,
        height=new.height / old.height - 1.0,
    )
    return float(after.sum(dtype=np.float64) / before.sum(dtype=np.float64)), errors


def changed_share(original: Image, altered: Image) -> float:
    """How much of the ink lies elsewhere: 0 for the same picture, 1 where nothing overlaps.

    Both pages are softened by a sixtieth of their side first, so that a mirrored circle or a
    shift by a pixel, which nobody sees, counts as no change.

    Args:
        original: uint8 (H, W, 3) RGB.
        altered: uint8 (H, W, 3) RGB of the same size.

    Returns:
        The share, 0 to 1.

    Example:
        >>> import numpy as np
        >>> page = np.full((60, 60, 3), 255, dtype=np.uint8)
        >>> page[10:20, 5:25] = 0
        >>> changed_share(page, page), round(changed_share(page, page[:, ::-1]), 2)
        (0.0, 1.0)
    """
    pages = [softened(darkness(ink_depth(image))) for image in (original, altered)]
    return changed_share_of(*pages)


def softened(dark: Depth) -> Depth:
    """A page as seen from so far that a shift by a sixtieth of its side hardly shows.

    Args:
        dark: float32 (H, W).

    Returns:
        float32 (H, W).

    Example:
        >>> import numpy as np
        >>> softened(np.eye(60, dtype=np.float32)).max() < 0.5
        np.True_
    """
    sigma = max(dark.shape) / 60
    return np.asarray(ndimage.gaussian_filter(dark, sigma, mode="constant", truncate=3.0))


def changed_share_of(before: Depth, after: Depth) -> float:
    """As `changed_share`, of pages that are softened already.

    Args:
        before: float32 (H, W).
        after: float32 (H, W).

    Returns:
        The share, 0 to 1; 0 for two blank pages.

    Example:
        >>> import numpy as np
        >>> changed_share_of(np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32))
        1.0
    """
    total = float(before.sum() + after.sum())
    return float(np.abs(before - after).sum()) / total if total else 0.0
