"""From a page to the square around its ink: 224 by 224, grey, on white.

Children draw at any place and in any size, and the shape of a drawing is compared after both are
taken out; the page facts keep them. The grey of a pixel is its darkest channel, so that yellow
crayon is as much ink as black pencil. All of it is integer arithmetic, the same on every machine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from deepmed.learning.encoders.base import Image
from deepmed.learning.encoders.hog_pyramid import layout

Box = tuple[int, int, int, int]
_BLOCK = 65_536
"""Pixels whose channels are compared at a time."""


@dataclass(frozen=True)
class InkCrop:
    """One prepared page.

    Attributes:
        ink: (224, 224) uint8, 0 is paper and 255 the darkest ink.
        frame: x0, y0, x1, y1 of the crop in pixels of the page; may reach beyond the page.
        box: x0, y0, x1, y1 of the ink; a point in the middle of a blank page.
        page: width and height of the page.
    """

    ink: NDArray[np.uint8]
    frame: Box
    box: Box
    page: tuple[int, int]


def crop_ink(image: Image) -> InkCrop:
    """Find the ink and cut a square around it.

    Args:
        image: (H, W, 3) uint8 RGB, upright, on white.

    Returns:
        The crop; a blank page is shown whole.

    Example:
        >>> page = np.full((100, 200, 3), 255, np.uint8)
        >>> page[40:60, 20:100] = 0
        >>> crop = crop_ink(page)
        >>> crop.box, crop.frame
        ((20, 40, 100, 60), (15, 5, 105, 95))
    """
    page = _darkest_channel(image)
    # Averaging first also drops the specks of dust that a scan of many pixels shows.
    factor = -(-max(page.size) // layout.DETECTION_SIDE)
    small = page.reduce(factor) if factor > 1 else page
    table = _ink_table(small.histogram())
    box = _ink_box(small, table, factor, page.size)
    wanted = _wanted(box, page.size)
    if wanted >= factor * layout.LEAST_CROP:
        # What was reduced to be searched is detailed enough; the crop keeps to its pixels.
        frame = _frame(box, page.size, wanted, step=factor, grid=factor)
        x0, y0, x1, y1 = (edge // factor for edge in frame)
        ink = _cut(small, (x0, y0, x1, y1), 1, table)
    else:
        step = max(1, round(wanted / layout.CROP_SIDE))
        frame = _frame(box, page.size, wanted, step, grid=1)
        ink = _cut(page, frame, step, table)
    return InkCrop(ink, frame, box or _middle(page.size), page.size)


def _darkest_channel(image: Image) -> Pillow.Image:
    """The least of red, green and blue of each pixel.

    Every value is compared with the two that follow it, and of these every third is a pixel's.
    Runs of memory are compared many at a time, single channels one by one: two thirds of the work
    are for nothing, and it takes half the time. A block fits into the processor's cache.
    """
    height, width = image.shape[:2]
    values = np.ascontiguousarray(image).reshape(-1)
    darkest = np.empty(height * width, dtype=np.uint8)
    room = np.empty(3 * _BLOCK, dtype=np.uint8)
    for start in range(0, len(darkest), _BLOCK):
        block = darkest[start : start + _BLOCK]
        run = values[3 * start : 3 * (start + len(block))]
        least = np.minimum(run[:-2], run[1:-1], out=room[: len(run) - 2])
        block[:] = np.minimum(least, run[2:], out=least)[::3]
    return Pillow.fromarray(darkest.reshape(height, width))


def _ink_table(histogram: list[int]) -> list[int]:
    """For each grey its ink: relative to the paper, which a scanner seldom leaves at 255."""
    counts = np.cumsum(histogram)
    paper = int(np.searchsorted(counts, layout.PAPER_QUANTILE * counts[-1]))
    # A page painted all over has no paper to see; it must not pass for paper itself.
    paper = max(paper, layout.DARKEST_PAPER)
    return [max(0, paper - grey) * 255 // paper for grey in range(256)]


def _ink_box(
    small: Pillow.Image, table: list[int], factor: int, page: tuple[int, int]
) -> Box | None:
    found = small.point([255 if ink >= layout.INK_LEVEL else 0 for ink in table]).getbbox()
    if found is None:
        return None
    left, top, right, bottom = (edge * factor for edge in found)
    return left, top, min(right, page[0]), min(bottom, page[1])


def _middle(page: tuple[int, int]) -> Box:
    x, y = page[0] // 2, page[1] // 2
    return x, y, x, y


def _wanted(box: Box | None, page: tuple[int, int]) -> int:
    """The side of the square around the ink, in page pixels."""
    left, top, right, bottom = box or (0, 0, *page)
    longest = max(right - left, bottom - top)
    side = longest if box is None else longest + 2 * round(longest * layout.MARGIN)
    return max(side, round(max(page) * layout.SMALLEST_CROP), 1)


def _frame(box: Box | None, page: tuple[int, int], wanted: int, step: int, grid: int) -> Box:
    """The square, whose side is a whole number of reduced pixels of `step` page pixels.

    On the page it begins at a multiple of `grid`. Before the page it begins a whole number of
    reduced pixels away, so that the reduced page can be pasted into it without shifting anything.
    """
    left, top, right, bottom = box or (0, 0, *page)
    side = -(-wanted // step) * step
    x0 = _start((left + right - side) // 2, step, grid)
    y0 = _start((top + bottom - side) // 2, step, grid)
    return x0, y0, x0 + side, y0 + side


def _start(wanted: int, step: int, grid: int) -> int:
    unit = grid if wanted >= 0 else step
    return wanted // unit * unit


def _cut(page: Pillow.Image, frame: Box, step: int, table: list[int]) -> NDArray[np.uint8]:
    x0, y0 = max(frame[0], 0), max(frame[1], 0)
    part = page.crop((x0, y0, min(frame[2], page.width), min(frame[3], page.height)))
    ink = (part.reduce(step) if step > 1 else part).point(table)
    side = (frame[2] - frame[0]) // step
    square = Pillow.new("L", (side, side), 0)
    square.paste(ink, ((x0 - frame[0]) // step, (y0 - frame[1]) // step))
    sized = square.resize((layout.SIZE, layout.SIZE), Pillow.Resampling.BILINEAR)
    return np.asarray(sized)
