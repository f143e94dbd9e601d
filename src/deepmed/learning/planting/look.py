"""What makes a drawing a fair stand-in for another: the proportions and the density of its ink."""

from dataclasses import dataclass

import numpy as np

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting.ink import Image, box_of, darkness, ink_depth


@dataclass(frozen=True)
class Look:
    """Proportions and density of a drawing's ink, both as logarithms.

    Example:
        >>> Look(aspect=0.0, density=-2.0).distance(Look(aspect=0.5, density=-1.0))
        1.0
    """

    aspect: float  # width by height of the ink box
    density: float  # ink by area of the ink box

    def distance(self, other: "Look") -> float:
        """How unlike two drawings look; a stand-in far away would have to be stretched or thinned.

        Example:
            >>> Look(0.0, 0.0).distance(Look(0.0, 0.0))
            0.0
        """
        return abs(self.aspect - other.aspect) + 0.5 * abs(self.density - other.density)


def look_of(image: Image) -> Look | None:
    """The look of a drawing, or None for a blank page.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        Its proportions and density.

    Example:
        >>> import numpy as np
        >>> page = np.full((50, 50, 3), 255, dtype=np.uint8)
        >>> look_of(page) is None
        True
        >>> page[10:20, 10:30] = 0
        >>> round(look_of(page).aspect, 3), round(look_of(page).density, 3)
        (0.693, 0.0)
    """
    dark = darkness(ink_depth(image))
    try:
        box = box_of(dark)
    except InsufficientDataError:
        return None
    density = float(dark.sum(dtype=np.float64)) / (box.width * box.height)
    return Look(float(np.log(box.width / box.height)), float(np.log(density)))
