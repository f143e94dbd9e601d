"""Anomalies that anybody sees: a scribble over the page, a page nearly filled, a tiny mark.

They are not matched in ink or box. Each uses the ink colour of the drawing that it is made from.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw

from deepmed.learning.planting.ink import Image, darkness, ink_depth, paper_colour


def scribble_over(image: Image, rng: np.random.Generator) -> Image:
    """A wild line to and fro over the whole page, on top of the drawing.

    Args:
        image: uint8 (H, W, 3) RGB.
        rng: Source of the line.

    Returns:
        uint8 (H, W, 3) RGB.

    Example:
        >>> import numpy as np
        >>> from deepmed.learning.planting.ink import ink_box
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[30:40, 30:40] = 0
        >>> ink_box(scribble_over(page, np.random.default_rng(0))).width > 60
        True
    """
    turns = int(rng.integers(16, 27))
    # Both ends of each sweep lie near opposite edges, and the sweeps turn as the arm tires.
    angles = np.cumsum(rng.normal(0.35, 0.25, turns)) + np.pi * np.arange(turns)
    reach = rng.uniform(0.38, 0.52, turns)
    ends = 0.5 + reach[:, None] * np.column_stack([np.cos(angles), np.sin(angles)]) * 1.15
    return _draw(image, _curve(np.clip(ends, 0.02, 0.98)), 0.014)


def fill_page(image: Image, rng: np.random.Generator) -> Image:
    """The page nearly filled with colour to and fro, the drawing lost under it.

    Args:
        image: uint8 (H, W, 3) RGB.
        rng: Source of the lines.

    Returns:
        uint8 (H, W, 3) RGB.

    Example:
        >>> import numpy as np
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[30:40, 30:40] = 0
        >>> bool((fill_page(page, np.random.default_rng(0)) < 128).mean() > 0.7)
        True
    """
    width = float(rng.uniform(0.03, 0.05))
    count = int(0.98 / (0.82 * width))
    across = np.tile([0.02, 0.98], count)[:count] + rng.normal(0.0, 0.008, count)
    down = np.linspace(0.02, 0.98, count) + rng.normal(0.0, 0.15 * width, count)
    lines = np.column_stack([np.repeat(across, 2)[1:], np.repeat(down, 2)[:-1]])
    points = lines if rng.random() < 0.5 else lines[:, ::-1]
    return _draw(image, points, width)


def tiny_mark(image: Image, rng: np.random.Generator) -> Image:
    """An empty sheet but for one small mark.

    Args:
        image: uint8 (H, W, 3) RGB; its paper and ink colour are used.
        rng: Source of the mark.

    Returns:
        uint8 (H, W, 3) RGB.

    Example:
        >>> import numpy as np
        >>> from deepmed.learning.planting.ink import ink_box
        >>> page = np.full((80, 80, 3), 255, dtype=np.uint8)
        >>> page[30:70, 30:70] = 0
        >>> ink_box(tiny_mark(page, np.random.default_rng(0))).width < 20
        True
    """
    empty = np.broadcast_to(np.rint(paper_colour(image)), image.shape).astype(np.uint8)
    middle = rng.uniform(0.15, 0.85, 2)
    angles = rng.uniform(0.0, 2 * np.pi, int(rng.integers(1, 4)))
    steps = rng.uniform(0.02, 0.035, (len(angles), 1)) * np.column_stack(
        [np.cos(angles), np.sin(angles)]
    )
    points = middle + np.vstack([np.zeros(2), np.cumsum(steps, axis=0)])
    return _draw(empty, points, 0.014, _ink_colour(image))


def _curve(ends: NDArray[np.float64], steps: int = 14) -> NDArray[np.float64]:
    """The way through the ends with rounded turns."""
    places = np.linspace(0, len(ends) - 1, steps * len(ends))
    way = np.column_stack([np.interp(places, np.arange(len(ends)), column) for column in ends.T])
    kernel = np.hanning(steps)[1:-1] / np.hanning(steps).sum()
    padded = np.pad(way, ((steps, steps), (0, 0)), mode="edge")
    rounded = [np.convolve(column, kernel, mode="same") for column in padded.T]
    return np.column_stack(rounded)[steps:-steps]


def _ink_colour(image: Image) -> tuple[int, int, int]:
    """The mean colour of the darker half of the ink; dark grey on a blank page."""
    dark = darkness(ink_depth(image))
    if not dark.any():
        return 60, 60, 60
    strong = dark >= np.median(dark[dark > 0])
    red, green, blue = (int(value) for value in image[strong].mean(axis=0))
    return red, green, blue


def _draw(
    image: Image,
    points: NDArray[np.float64],
    width: float,
    colour: tuple[int, int, int] | None = None,
) -> Image:
    """A line over the page at twice its size, then back, for smooth edges."""
    height, wide = image.shape[:2]
    mask = PillowImage.new("L", (2 * wide, 2 * height), 0)
    pen = max(2, round(width * 2 * min(wide, height)))
    place = (points * (2 * wide, 2 * height)).ravel().tolist()
    ImageDraw.Draw(mask).line(place, fill=255, width=pen, joint="curve")
    share = np.asarray(mask.reduce(2), dtype=np.float32)[:, :, None] / 255.0
    ink = np.asarray(colour or _ink_colour(image), dtype=np.float32)
    return np.asarray(np.rint(image * (1.0 - share) + ink * share), dtype=np.uint8)
