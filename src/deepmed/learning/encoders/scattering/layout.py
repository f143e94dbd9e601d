"""The constants of `scattering` and the order of its 768 numbers; their hash is its identity.

=====  ====================  =======================================================
start  block                 what it sees
=====  ====================  =======================================================
0      first order,          how much line of which width and direction runs where
       24 paths x 4x4
384    second order,         how lines of one width and direction are arranged along
       216 paths             another: texture, corners, repetition; whatever their amount
600    ink, 6x6              how much ink lies where in the crop
636    page map, 6x6         how much ink lies where on the *page*
672    page facts, 12x8      place and extent of the ink on the page, and its share
=====  ====================  =======================================================

First order is an amount, so that a scribble over the page is seen; second order is a ratio to its
first order, so that form is seen beside it. The page blocks are those of `hog-pyramid`.
"""

from deepmed.kit.digests import json_digest
from deepmed.learning.encoders.blocks import constants_of, slices_of
from deepmed.learning.encoders.hog_pyramid import layout as page_layout

GRID = page_layout.GRID
SIZE = page_layout.SIZE
REDUCTION = 2
"""The crop is halved before it is transformed; a stroke of two pixels is still one wide."""
MARGIN = 8
"""Halved pixels of paper on every side, so that what leaves on the left does not enter right."""
FIELD = SIZE // REDUCTION + 2 * MARGIN
SCALES = 4
ORIENTATIONS = 6

# Morlet wavelets, in halved pixels: width of the finest, its centre frequency as a share of pi,
# and how much narrower it is along its wave than across.
WAVELET_WIDTH = 0.8
CENTRE = 0.75
SLANT = 4 / ORIENTATIONS
LOWPASS_WIDTH = WAVELET_WIDTH * 2 ** (SCALES - 1)

MODULUS_FLOOR = 1e-4
RATIO_FLOOR = 1e-2
FIRST_WINDOWS = {"count": 4, "size": 5, "step": 3}
INK_WINDOWS = {"count": 6, "size": 4, "step": 2}
FACT_COPIES = 12

FIRST_PATHS = SCALES * ORIENTATIONS
SECOND_PATHS = SCALES * (SCALES - 1) // 2 * ORIENTATIONS**2

BLOCKS = {
    "first": FIRST_PATHS * FIRST_WINDOWS["count"] ** 2,
    "second": SECOND_PATHS,
    "ink": INK_WINDOWS["count"] ** 2,
    "page_map": page_layout.PAGE_MAP**2,
    "page_facts": page_layout.FACTS * FACT_COPIES,
}
DIMENSION = sum(BLOCKS.values())

# Raise VERSION when the arithmetic changes.
VERSION = "1"
PREPROCESSING = page_layout.PREPROCESSING


def block_slices() -> dict[str, slice]:
    """Where each block lies in a vector.

    Example:
        >>> block_slices()["second"]
        slice(384, 600, None)
    """
    return slices_of(BLOCKS)


def layout_hash() -> str:
    """SHA-256 in hex over every constant above and those of the page: stands for a weight hash."""
    return json_digest({"page": page_layout.layout_hash(), **constants_of(globals())})
