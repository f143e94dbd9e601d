"""Optional changes of contrast and edges, on eight-bit planes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Pixels = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]
_TILES = 8
"""Tiles along each side of the adaptive histogram, as Zuiderveld's method has them."""


@dataclass(frozen=True)
class Enhancement:
    """Contrast and edges, changed in this order.

    Attributes:
        contrast_stretch: Bring the levels between two percentiles to the whole range.
        equal_histogram: Let all levels occur equally often. Images that differ in exposure, gamma
            or contrast alone then look the same.
        adaptive_histogram: Equalise the histogram of each of 8 x 8 tiles, its slope limited, and
            blend between the tiles (CLAHE; Zuiderveld, Graphics Gems IV, 1994).
        edge_enhancement: Add to the image what a blurred copy lacks.
        lower_percentile: Of `contrast_stretch`, 0 to 100.
        upper_percentile: Of `contrast_stretch`, above the lower.
        clip_limit: Of `adaptive_histogram`: how many times its even share a level may have.
        edge_strength: Of `edge_enhancement`, 0 to 2.

    Raises:
        ValueError: A value is outside its range.

    Example:
        >>> grey = np.array([[[50], [100]], [[150], [200]]], np.uint8)
        >>> stretch = Enhancement(lower_percentile=0, upper_percentile=100)
        >>> stretch.apply(grey).ravel().tolist()
        [0, 85, 170, 255]
    """

    contrast_stretch: bool = True
    adaptive_histogram: bool = False
    edge_enhancement: bool = False
    lower_percentile: float = 5.0
    upper_percentile: float = 95.0
    clip_limit: float = 2.0
    edge_strength: float = 1.0
    equal_histogram: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.lower_percentile < self.upper_percentile <= 100:
            raise ValueError("The percentiles are 0 <= lower < upper <= 100.")
        if not self.clip_limit > 0:
            raise ValueError("clip_limit must be above 0.")
        if not 0 <= self.edge_strength <= 2:
            raise ValueError("edge_strength must be from 0 to 2.")

    def apply(self, planes: Pixels) -> Pixels:
        """The changed planes, uint8 (height, width, planes) as before."""
        if self.contrast_stretch:
            planes = _stretched(planes, self.lower_percentile, self.upper_percentile)
        if self.equal_histogram:
            planes = _evened(planes)
        if self.adaptive_histogram:
            planes = _each(planes, lambda plane: _equalised(plane, self.clip_limit))
        if self.edge_enhancement:
            planes = _each(planes, lambda plane: _sharpened(plane, self.edge_strength))
        return planes


def _each(planes: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    return np.stack([change(planes[..., index]) for index in range(planes.shape[2])], axis=-1)


def _stretched(planes: Pixels, lower: float, upper: float) -> Pixels:
    low, high = np.percentile(planes, (lower, upper))
    if high <= low:
        return planes  # of one level there is nothing to spread
    levels = np.rint(255 * np.clip((np.arange(256) - low) / (high - low), 0, 1))
    table: Pixels = levels.astype(np.uint8)
    stretched: Pixels = table[planes]
    return stretched


def _evened(planes: Pixels) -> Pixels:
    counts = np.bincount(planes.ravel(), minlength=256)
    if counts.max() == planes.size:
        return planes  # one level has no rank
    table: Pixels = np.rint(255 * np.cumsum(counts) / planes.size).astype(np.uint8)
    evened: Pixels = table[planes]
    return evened


def _equalised(plane: Pixels, clip_limit: float) -> Pixels:
    rows, columns = (np.linspace(0, side, _TILES + 1).astype(int) for side in plane.shape)
    maps = np.empty((_TILES, _TILES, 256))
    for row in range(_TILES):
        for column in range(_TILES):
            tile = plane[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            maps[row, column] = _levels_of(tile, clip_limit)
    return _blended(plane, maps)


def _levels_of(tile: Pixels, clip_limit: float) -> npt.NDArray[np.float64]:
    """What each level of a tile becomes; what was cut off its histogram goes to all levels."""
    if not tile.size:
        return np.arange(256.0)  # an image with fewer rows than tiles
    counts = np.bincount(tile.ravel(), minlength=256).astype(np.float64)
    most = clip_limit * tile.size / 256
    excess = np.maximum(counts - most, 0).sum()
    spread = np.minimum(counts, most) + excess / 256
    return 255 * np.cumsum(spread) / tile.size


def _blended(plane: Pixels, maps: npt.NDArray[np.float64]) -> Pixels:
    top, bottom, down = _between(plane.shape[0])
    left, right, along = _between(plane.shape[1])
    top, bottom, down = top[:, None], bottom[:, None], down[:, None]
    above = maps[top, left, plane] * (1 - along) + maps[top, right, plane] * along
    below = maps[bottom, left, plane] * (1 - along) + maps[bottom, right, plane] * along
    return np.rint(above * (1 - down) + below * down).astype(np.uint8)


def _between(side: int) -> tuple[Places, Places, npt.NDArray[np.float64]]:
    """For each pixel along a side: the tiles with middles around it, and the second's share."""
    place = np.clip((np.arange(side) + 0.5) * _TILES / side - 0.5, 0, _TILES - 1)
    first = np.floor(place).astype(np.intp)
    return first, np.minimum(first + 1, _TILES - 1), place - first


def _sharpened(plane: Pixels, strength: float) -> Pixels:
    sharpen = ImageFilter.UnsharpMask(radius=1, percent=round(100 * strength), threshold=0)
    return np.array(Image.fromarray(plane).filter(sharpen))
