"""The order of the 768 numbers of `stroke-net`, and what its arithmetic is called.

=====  ====================  =======================================================
start  block                 what it sees
=====  ====================  =======================================================
0      fine, 32 x 2x2        strokes, from the 28x28 map: how a line is drawn
128    middle, 58 x 2x2      parts, from the 14x14 map: corners, loops, crossings
360    deep, 28 x 3x3        the figure, from the 7x7 map
612    page map, 6x6         how much ink lies where on the *page*
648    page facts, 15x8      place and extent of the ink on the page, and its share
=====  ====================  =======================================================

The first 612 numbers are learned; the page blocks are those of `hog-pyramid`, so that a comparison
of the two is one of what they see in the crop.
"""

from deepmed.learning.encoders.hog_pyramid import layout as page_layout

NAME = "stroke-net"
FILE = "model.safetensors"
GRID = page_layout.GRID
REDUCTION = 2
"""The crop is halved before the network sees it."""
SIDE = page_layout.SIZE // REDUCTION
CHANNELS = {"stem": 16, "fine": 32, "middle": 64, "deep": 128}
HEADS = {"fine": 32, "middle": 58, "deep": 28}
WINDOWS = {"fine": (14, 14), "middle": (7, 7), "deep": (3, 2)}
"""Size and step of the windows over each map, in fields of that map."""
FACT_COPIES = page_layout.FACT_COPIES
BLOCKS = {
    "fine": HEADS["fine"] * 2**2,
    "middle": HEADS["middle"] * 2**2,
    "deep": HEADS["deep"] * 3**2,
    "page_map": page_layout.BLOCKS["page_map"],
    "page_facts": page_layout.BLOCKS["page_facts"],
}
LEARNED = sum(BLOCKS[name] for name in HEADS)
DIMENSION = sum(BLOCKS.values())

# Raise VERSION when the arithmetic changes; other weights change the weight hash by themselves.
VERSION = "1"
PREPROCESSING = page_layout.PREPROCESSING
