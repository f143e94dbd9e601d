"""How much ink a drawing holds and where: the two things that a planted anomaly must not betray.

Ink is darkness against the paper. The paper's colour is read from the drawing itself, so that a
tinted or greyish sheet does not count as ink; what is fainter than a small threshold is paper.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepmed.learning.errors import InsufficientDataError

Image = NDArray[np.uint8]
Depth = NDArray[np.float32]

INK_THRESHOLD = 0.08
# Weights of ITU-R BT.601 luma, the usual greyscale of pictures.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# A sheet darker than this is no paper: then the page is full of ink and the paper is white.
_DARKEST_PAPER = 165.0
_PAPER_SHARE = 0.98
# A dark dot of one or two pixels is dust or noise; the thinnest line has three in a 3x3 square.
_LEAST_NEIGHBOURS = 3
_SAMPLED_PIXELS = 120_000


@dataclass(frozen=True)
class InkBox:
    """The smallest upright rectangle around the ink, in pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns of the box."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows of the box."""
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle as (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns to index an array with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def paper_colour(image: Image) -> NDArray[np.float32]:
    """The colour of the sheet, one value of 0 to 255 a channel.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        float32 (3,): the bright end of each channel, or white where that end is too dark for paper.

    Example:
        >>> import numpy as np
        >>> sheet = np.full((40, 40, 3), (240, 235, 220), dtype=np.uint8)
        >>> sheet[10:20, 10:20] = 30
        >>> [int(value) for value in paper_colour(sheet)]
        [240, 235, 220]
    """
    pixels = image.reshape(-1, 3)
    pixels = pixels[:: 1 + len(pixels) // _SAMPLED_PIXELS]
    paper = np.array([_bright_end(pixels[:, channel]) for channel in range(3)], dtype=np.float32)
    return paper if paper.min() >= _DARKEST_PAPER else np.full(3, 255.0, dtype=np.float32)


def _bright_end(values: NDArray[np.uint8]) -> int:
    """A percentile by counting: sorting the pixels would take as long as all the rest."""
    below = np.cumsum(np.bincount(values, minlength=256))
    return int(np.searchsorted(below, _PAPER_SHARE * len(values)))


def ink_depth(image: Image, paper: NDArray[np.float32] | None = None) -> Depth:
    """Darkness of each channel against the paper: 0 is paper, 1 is black.

    Args:
        image: uint8 (H, W, 3) RGB.
        paper: colour of the sheet, read from the image if None.

    Returns:
        float32 (H, W, 3) in 0 to 1.

    Example:
        >>> import numpy as np
        >>> sheet = np.full((9, 9, 3), 255, dtype=np.uint8)
        >>> sheet[4, 4] = 0
        >>> float(ink_depth(sheet)[4, 4, 0]), float(ink_depth(sheet)[0, 0, 0])
        (1.0, 0.0)
    """
    sheet = paper_colour(image) if paper is None else paper
    return np.asarray(np.clip(1.0 - image.astype(np.float32) / sheet, 0.0, 1.0))


def darkness(depth: Depth) -> Depth:
    """Darkness of the grey picture, with what is fainter than the threshold set to 0.

    Args:
        depth: float32 (H, W, 3) of `ink_depth`.

    Returns:
        float32 (H, W) in 0 to 1.

    Example:
        >>> import numpy as np
        >>> depth = np.array([[[0.5, 0.5, 0.5], [0.01, 0.01, 0.01]]], dtype=np.float32)
        >>> darkness(depth).tolist()
        [[0.5, 0.0]]
    """
    seen = grey(depth)
    return np.asarray(np.where(seen > INK_THRESHOLD, seen, 0.0), dtype=np.float32)


def grey(depth: Depth) -> Depth:
    """Darkness of the grey picture, the grain of the paper included.

    Args:
        depth: float32 (H, W, 3) of `ink_depth`.

    Returns:
        float32 (H, W) in 0 to 1.

    Example:
        >>> [round(float(value), 3) for value in grey(np.eye(3, dtype=np.float32)[None])[0]]
        [0.299, 0.587, 0.114]
    """
    return np.asarray(depth @ _LUMA)


def ink_amount(image: Image) -> float:
    """Sum of darkness over the drawing, in pixels of full black.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        The amount; 0 for blank paper of any tint.

    Example:
        >>> import numpy as np
        >>> sheet = np.full((50, 50, 3), 255, dtype=np.uint8)
        >>> sheet[10:20, 10:30] = 0
        >>> round(ink_amount(sheet))
        200
    """
    return float(darkness(ink_depth(image)).sum(dtype=np.float64))


def ink_box(image: Image) -> InkBox:
    """The box around the ink, specks of dust left out.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        The box in pixels.

    Raises:
        InsufficientDataError: The page is blank.

    Example:
        >>> import numpy as np
        >>> sheet = np.full((50, 50, 3), 255, dtype=np.uint8)
        >>> sheet[10:20, 10:30] = 0
        >>> ink_box(sheet)
        InkBox(left=10, top=10, right=30, bottom=20)
    """
    return box_of(darkness(ink_depth(image)))


def box_of(dark: Depth) -> InkBox:
    """The box around the ink of a darkness array.

    Args:
        dark: float32 (H, W) of `darkness`.

    Returns:
        The box in pixels.

    Raises:
        InsufficientDataError: There is no ink in it.

    Example:
        >>> import numpy as np
        >>> dark = np.zeros((9, 9), dtype=np.float32)
        >>> dark[2:5, 3:8] = 0.7
        >>> box_of(dark)
        InkBox(left=3, top=2, right=8, bottom=5)
    """
    mask = (dark > 0).astype(np.uint8)
    firm = mask * (_around(mask) >= _LEAST_NEIGHBOURS)
    # The ends of a thin line have two; what touches a firm stroke belongs to it.
    mask = mask * (_around(firm) > 0)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        raise InsufficientDataError("The page holds no ink, so there is nothing to measure on it.")
    return InkBox(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _around(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sum over the 3x3 square of every pixel."""
    height, width = mask.shape
    # By hand: np.pad takes longer than all else here.
    padded = np.zeros((height + 2, width + 2), dtype=mask.dtype)
    padded[1:-1, 1:-1] = mask
    columns = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(columns[:, :-2] + columns[:, 1:-1] + columns[:, 2:])
