"""From patches to the page: boxes in the original's pixels, and words for a place."""

import math

from deepmed.learning.saliency.maps import Frame

Box = tuple[int, int, int, int]

_ROWS = ("upper", "", "lower")
_COLUMNS = ("left", "centre", "right")


def page_box(
    patches: tuple[int, int, int, int], grid: tuple[int, int], frame: Frame, page: tuple[int, int]
) -> Box | None:
    """A block of patches in pixels of the original.

    Args:
        patches: first row, first column, row and column after the last.
        grid: rows and columns of the map.
        frame: the square that the map covers, in pixels of the original.
        page: width and height of the original.

    Returns:
        x0, y0, x1, y1, right and bottom exclusive, cut at the page's edges; None where the block
        lies beyond the page.

    Example:
        >>> page_box((0, 0, 7, 14), (14, 14), (-10, 0, 90, 100), (100, 100))
        (0, 0, 90, 50)
    """
    x0, y0, x1, y1 = frame
    width, height = (x1 - x0) / grid[1], (y1 - y0) / grid[0]
    left, top = x0 + patches[1] * width, y0 + patches[0] * height
    right, bottom = x0 + patches[3] * width, y0 + patches[2] * height
    # Rounded outwards, so that no pixel of a patch is lost; a frame is stored in float32.
    box = (
        max(math.floor(left + 1e-3), 0),
        max(math.floor(top + 1e-3), 0),
        min(math.ceil(right - 1e-3), page[0]),
        min(math.ceil(bottom - 1e-3), page[1]),
    )
    return box if box[0] < box[2] and box[1] < box[3] else None


def place_in_words(x: float, y: float) -> str:
    """Where a point lies on the page, by thirds.

    Args:
        x: share of the width from the left, 0 to 1.
        y: share of the height from the top, 0 to 1.

    Returns:
        Two words at most.

    Example:
        >>> place_in_words(0.1, 0.1), place_in_words(0.5, 0.5), place_in_words(0.5, 0.9)
        ('upper left', 'centre', 'lower centre')
    """
    return f"{_ROWS[_third(y)]} {_COLUMNS[_third(x)]}".strip()


def box_in_words(box: Box, page: tuple[int, int]) -> str:
    """Where the middle of a box lies on the page.

    Args:
        box: x0, y0, x1, y1 in pixels.
        page: width and height in pixels.

    Example:
        >>> box_in_words((60, 0, 100, 30), (100, 100))
        'upper right'
    """
    return place_in_words((box[0] + box[2]) / 2 / page[0], (box[1] + box[3]) / 2 / page[1])


def _third(share: float) -> int:
    return min(2, max(0, int(share * 3)))
