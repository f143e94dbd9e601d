"""What a picture looks like before any network sees it: levels, detail, colour."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from deepmed.learning.encoders.base import Image
from deepmed.learning.errors import LearningError

FloatArray = NDArray[np.float64]

SIDE = 32
"""Pictures of any size are averaged down, or drawn out, to so many pixels a side."""
BLOCKS = 8
LAGS = (1, 2, 4)
WIDTH = BLOCKS * BLOCKS + 2 * len(LAGS) + 1
COLOUR_STEP = 2.0
"""Levels of 255 by which colours must differ to count: less comes from how pictures are stored."""
_FAINTEST = 1e-3


class PictureShapeError(LearningError):
    """What was given is not a picture."""


def appearance(image: Image) -> FloatArray:
    """Levels of grey by place, and how much they change from pixel to pixel.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (71,): means of 8 by 8 blocks in shares of full white, row by row; natural logarithms of the
        mean change over 1, 2 and 4 of 32 pixels across, then down; and over one pixel of the
        picture itself.

    Raises:
        PictureShapeError: it is not such a picture.

    Example:
        >>> found = appearance(np.full((100, 80, 3), 255, np.uint8))
        >>> found.shape, float(found[0])
        ((71,), 1.0)
    """
    grey = _checked(image).mean(axis=2, dtype=np.float64) / 255
    small = np.asarray(
        Pillow.fromarray(grey.astype(np.float32)).resize((SIDE, SIDE), Pillow.Resampling.BOX),
        dtype=np.float64,
    )
    step = SIDE // BLOCKS
    blocks = small.reshape(BLOCKS, step, BLOCKS, step).mean(axis=(1, 3)).ravel()
    changes = [_change(part, lag) for part in (small, small.T) for lag in LAGS]
    finest = (_change(grey, 1) + _change(grey.T, 1)) / 2
    return np.array([*blocks, *changes, finest])


def colour_steps(image: Image) -> float:
    """How far the colours of a picture lie apart, 0 for a grey one.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        Mean distance of the largest and the smallest of red, green and blue, in whole steps of two
        levels of 255.

    Raises:
        PictureShapeError: it is not such a picture.

    Example:
        >>> colour_steps(np.full((4, 4, 3), 9, np.uint8))
        0.0
    """
    pixels = _checked(image).astype(np.int16)
    return float(np.ptp(pixels, axis=2).mean() // COLOUR_STEP)


def _change(plane: FloatArray, lag: int) -> float:
    if plane.shape[1] <= lag:
        return float(np.log(_FAINTEST))
    return float(np.log(_FAINTEST + np.abs(plane[:, lag:] - plane[:, :-lag]).mean()))


def _checked(image: Image) -> Image:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise PictureShapeError(
            f"A picture has shape (H, W, 3) and whole levels from 0 to 255, not {image.shape} of "
            f"{image.dtype}."
        )
    return image
