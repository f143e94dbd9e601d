"""Where a training on other images than X-rays begins (X-13)."""

from collections.abc import Mapping
from typing import Any

ANY_IMAGES: Mapping[str, Any] = {
    "experiment.color_mode": "RGB",
    "experiment.may_flip": True,
    "data.class_names": ["0", "1"],
}
"""By place. Left and right mean nothing in most pictures, while a flipped X-ray has its heart on
the wrong side; and the labels 0 and 1 of a table have no names that anybody could know."""
