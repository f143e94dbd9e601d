"""The constants of `hog-pyramid` and the order of its 768 numbers; their hash is its identity.

Every detector standardises each number by the fitting drawings, so a block weighs by how many
numbers it has. That is why the page facts stand there fifteen times: eight numbers would drown.

=====  ====================  =======================================================
start  block                 what it sees
=====  ====================  =======================================================
0      shape, 6x6x8          where lines of which orientation run, however strong
288    grid energy, 14x14    how much line there is in each patch
484    oriented energy,      the same by orientation, coarser
       4x4x8
612    page map, 6x6         how much ink lies where on the *page*, not in the crop
648    page facts, 15x8      place and extent of the ink on the page, and its share
=====  ====================  =======================================================

The shape block alone is blind to a scribble over the whole page, which has the same mixture of
orientations everywhere; the energy blocks see it. The crop hides that a mark is tiny or that a
page is full; the page blocks see it. No block divides by the size of the whole vector.
"""

from deepmed.kit.digests import json_digest
from deepmed.learning.encoders.blocks import constants_of, slices_of

SIZE = 224
GRID = 14
CELL = SIZE // GRID
ORIENTATIONS = 8

# Overlapping windows over the 14x14 patches: size and step in patches.
SHAPE_WINDOWS = {"count": 6, "size": 4, "step": 2}
ENERGY_WINDOWS = {"count": 4, "size": 5, "step": 3}
PAGE_MAP = 6
FACTS = 8
FACT_COPIES = 15

# Contrasts below about one grey level of 255 count as paper grain.
GRADIENT_FLOOR = 1e-3
# Below these, a root and a norm go to zero smoothly, so that an empty patch has a finite gradient.
ROOT_FLOOR = 1e-4
NORM_FLOOR = 1e-2
# Extents are on a logarithmic scale; nothing is smaller than this share of the page.
SMALLEST_EXTENT = 1 / 512

# Ink box: a pixel is ink if it is darker than paper by this share of 255.
INK_LEVEL = 31
PAPER_QUANTILE = 0.98
DARKEST_PAPER = 178
MARGIN = 0.06
SMALLEST_CROP = 1 / 8
DETECTION_SIDE = 512
CROP_SIDE = 448
LEAST_CROP = 336

BLOCKS = {
    "shape": SHAPE_WINDOWS["count"] ** 2 * ORIENTATIONS,
    "grid_energy": GRID**2,
    "oriented_energy": ENERGY_WINDOWS["count"] ** 2 * ORIENTATIONS,
    "page_map": PAGE_MAP**2,
    "page_facts": FACTS * FACT_COPIES,
}
DIMENSION = sum(BLOCKS.values())

# Raise VERSION when the arithmetic changes, PREPROCESSING when an image becomes other pixels.
VERSION = "1"
PREPROCESSING = "ink-box-2"


def block_slices() -> dict[str, slice]:
    """Where each block lies in a vector.

    Example:
        >>> block_slices()["grid_energy"]
        slice(288, 484, None)
    """
    return slices_of(BLOCKS)


def layout_hash() -> str:
    """SHA-256 in hex over every constant above: the encoder's stand-in for a weight hash."""
    return json_digest(constants_of(globals()))
