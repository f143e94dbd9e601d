"""Plain features that every figure stands beside: what ink, edges or chance alone would tell.

A detector over embeddings earns its place only where it beats the same detector over these
(``KnnDetector`` in the benchmark). Each function takes pictures as uint8 (H, W, 3), upright, on
white, of any sizes, and depends on no picture but its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from deepmed.kit import seeds
from deepmed.learning.detectors.standardization import FloatArray

Picture = npt.NDArray[np.uint8]

# A pixel this much darker than paper is ink; scanned paper is seldom perfectly white.
INK_DARKNESS = 0.15
INK_BOX_NAMES = (
    "ink_share",
    "darkness",
    "box_width",
    "box_height",
    "box_center_x",
    "box_center_y",
    "box_aspect",
    "ink_share_in_box",
    "ink_center_x",
    "ink_center_y",
    "ink_spread_x",
    "ink_spread_y",
)
# Side of the square that pictures are scaled to before edges are measured and projected.
EDGE_SIDE = 128
PROJECTION_SIDE = 64
PROJECTION_WIDTH = 64


class Features(Protocol):
    """A function of pictures."""

    def __call__(self, images: Sequence[Picture], seed: int = 0) -> FloatArray:
        """Features of the pictures, shape (n, k)."""


@dataclass(frozen=True)
class ReferenceRow:
    """Plain features of the same drawings that a comparison of detectors is about.

    Attributes:
        originals: Shape (n, k), of the drawings.
        planted: Shape (m, k), of the planted anomalies.
    """

    originals: FloatArray
    planted: FloatArray


def ink_box_features(image: Picture) -> FloatArray:
    """How much ink there is and where, nothing of what it shows.

    Args:
        image: Shape (H, W, 3), uint8.

    Returns:
        Shape (12,), named by ``INK_BOX_NAMES``: lengths and places as shares of the page (the
        middle of the page is 0.5), darkness as a mean over the page from 0 (paper) to 1, aspect
        as the logarithm of the box's width over its height in pixels. A page without ink has
        zeros, but 0.5 for places.

    Example:
        >>> page = np.full((10, 20, 3), 255, dtype=np.uint8)
        >>> page[5:, :10] = 0
        >>> ink_box_features(page)[:6].tolist()
        [0.25, 0.25, 0.5, 0.5, 0.25, 0.75]
    """
    darkness = 1.0 - _grey(image)
    rows, columns = np.nonzero(darkness > INK_DARKNESS)
    if not len(rows):
        places = [name.startswith(("box_center", "ink_center")) for name in INK_BOX_NAMES]
        return np.where(places, 0.5, 0.0)
    height, width = darkness.shape
    top, left = rows.min(), columns.min()
    tall, wide = rows.max() + 1 - top, columns.max() + 1 - left
    return np.array(
        [
            len(rows) / darkness.size,
            darkness.mean(),
            wide / width,
            tall / height,
            (left + wide / 2) / width,
            (top + tall / 2) / height,
            np.log(wide / tall),
            len(rows) / (tall * wide),
            (columns.mean() + 0.5) / width,
            (rows.mean() + 0.5) / height,
            columns.std() / width,
            rows.std() / height,
        ]
    )


def sobel_energy(image: Picture) -> FloatArray:
    """How much edge there is.

    Source of the filter: Sobel, Feldman (1968), scaled so that a step from paper to ink has 1.

    Args:
        image: Shape (H, W, 3), uint8.

    Returns:
        Shape (1,): the mean gradient magnitude of the grey picture, squared on white and scaled
        to 128 by 128 pixels.

    Example:
        >>> sobel_energy(np.full((10, 20, 3), 255, dtype=np.uint8)).tolist()
        [0.0]
    """
    grey = _square(image, EDGE_SIDE)
    across, down = (ndimage.sobel(grey, axis=axis, mode="nearest") / 4 for axis in (1, 0))
    return np.array([np.hypot(across, down).mean()])


def random_projection(images: Sequence[Picture], seed: int = 0) -> FloatArray:
    """A view of the raw pixels that knows nothing of drawings.

    Method: Gaussian projection (Johnson, Lindenstrauss 1984) of the grey picture, squared on white
    and scaled to 64 by 64 pixels, darkness 0 (paper) to 1.

    Args:
        images: n pictures.
        seed: Seed of the projection; the same for all pictures that are to be compared.

    Returns:
        Shape (n, 64).

    Example:
        >>> random_projection([np.full((10, 20, 3), 255, dtype=np.uint8)]).any()
        np.False_
    """
    matrix = _projection(seed)
    # One picture at a time, so that its row does not depend on the others by a rounding.
    rows = [(1.0 - _square(image, PROJECTION_SIDE)).ravel() @ matrix for image in images]
    return np.array(rows).reshape(len(rows), PROJECTION_WIDTH)


@lru_cache(maxsize=1)  # drawings and planted anomalies are projected alike, one after the other
def _projection(seed: int) -> FloatArray:
    random = seeds.generator(seed, "reference-features", "random-projection")
    size = (PROJECTION_SIDE**2, PROJECTION_WIDTH)
    matrix: FloatArray = random.normal(scale=PROJECTION_WIDTH**-0.5, size=size)
    matrix.flags.writeable = False
    return matrix


def _ink_box_rows(images: Sequence[Picture], seed: int = 0) -> FloatArray:
    del seed
    return np.array([ink_box_features(image) for image in images])


def _sobel_rows(images: Sequence[Picture], seed: int = 0) -> FloatArray:
    del seed
    return np.array([sobel_energy(image) for image in images])


REFERENCE_FEATURES: Mapping[str, Features] = MappingProxyType(
    {
        "ink and box": _ink_box_rows,
        "Sobel energy": _sobel_rows,
        "random projection": random_projection,
    }
)


def reference_rows(
    images: Sequence[Picture], planted_images: Sequence[Picture], seed: int = 0
) -> dict[str, ReferenceRow]:
    """All plain features of drawings and planted anomalies, for ``select_detector``.

    Example:
        >>> page = np.full((10, 20, 3), 255, dtype=np.uint8)
        >>> sorted(reference_rows([page], [page]))
        ['Sobel energy', 'ink and box', 'random projection']
    """
    return {
        name: ReferenceRow(features(images, seed), features(planted_images, seed))
        for name, features in REFERENCE_FEATURES.items()
    }


def _grey(image: Picture) -> FloatArray:
    """Luma from 0 (ink) to 1 (paper), shape (H, W)."""
    return np.asarray(Image.fromarray(image).convert("L"), dtype=np.float64) / 255.0


def _square(image: Picture, side: int) -> FloatArray:
    """The grey picture in the middle of a white square, scaled to ``side``."""
    height, width = image.shape[:2]
    longest = max(height, width)
    square = Image.new("L", (longest, longest), 255)
    place = ((longest - width) // 2, (longest - height) // 2)
    square.paste(Image.fromarray(image).convert("L"), place)
    scaled = square.resize((side, side), Image.Resampling.BOX)
    return np.asarray(scaled, dtype=np.float64) / 255.0
