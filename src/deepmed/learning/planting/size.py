"""How large a picture is worth planting into."""

import numpy as np
from PIL import Image as Pillow

from deepmed.learning.planting.ink import Image

LONGEST_SIDE = 1024
"""In pixels. Planting into a picture of this size takes up to a second; encoders see 224 pixels."""


def shrink(image: Image) -> Image:
    """The picture with at most 1024 pixels a side: whole squares of pixels become their mean.

    Who compares planted drawings with their originals shrinks those too.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        uint8 (h, w, 3) RGB; the very array where it is small enough.

    Example:
        >>> shrink(np.zeros((4000, 3000, 3), dtype=np.uint8)).shape
        (1000, 750, 3)
    """
    factor = -(-max(image.shape[:2]) // LONGEST_SIDE)
    if factor == 1:
        return image
    return np.array(Pillow.fromarray(image).reduce(factor))
