"""Images as they are shown to people."""

import numpy as np
from PIL import Image as Pillow

from deepmed.kit.pictures import Pixels

SHOWN_SIDE = 1024
"""Pixels of the longer side of what is sent back or printed; a film has several thousand."""


def small(image: Pixels) -> Pixels:
    """The image as it is shown: scaled down where it is large."""
    height, width = image.shape[:2]
    scale = SHOWN_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.BOX))
