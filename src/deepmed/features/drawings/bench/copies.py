"""Pictures that are the same drawing to a person: pseudo-repeats, and a control of planting."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage
from scipy import ndimage

from deepmed.features.drawings.bench.collection import Image
from deepmed.kit import seeds
from deepmed.learning.planting.alterations import INTERPOLATION
from deepmed.learning.planting.ink import box_of, darkness, ink_depth, paper_colour
from deepmed.learning.planting.matching import fit_to_box, match_ink, put_into, to_image

COPIES = 3
WHITE = (255, 255, 255)
_TURNS = (4.0, 15.0)
_CUTS = (0.02, 0.08)
_HALF_A_PIXEL = 0.5


def repeats(images: Sequence[Image], seed: int) -> list[list[Image]]:
    """Three copies of each picture: turned one way, turned the other way, and cropped."""
    made = []
    for index, image in enumerate(images):
        random = seeds.generator(seed, "bench copies", index)
        turns = random.uniform(*_TURNS, size=2) * (1, -1)
        made.append([*(_turned(image, degrees) for degrees in turns), _cropped(image, random)])
    return made


def redrawn(image: Image) -> Image:
    """The drawing moved by half a pixel, through the steps that a jittered one goes through.

    Nobody sees a difference. A detector that does sees the softer strokes that interpolation
    leaves, and as much of what it finds in jittered drawings is not the jitter.

    Raises:
        InsufficientDataError: the page is blank.
    """
    paper = paper_colour(image)
    page = ink_depth(image, paper)
    dark = darkness(page)
    box, amount = box_of(dark), float(dark.sum(dtype=np.float64))
    offset = (_HALF_A_PIXEL, _HALF_A_PIXEL, 0.0)
    crop = ndimage.shift(page[box.slices], offset, order=INTERPOLATION, mode="constant")
    for _ in range(2):
        crop = match_ink(fit_to_box(crop, box.width, box.height), amount)
    return to_image(put_into(page, box, crop), paper)


def _turned(image: Image, degrees: float) -> Image:
    turned = PillowImage.fromarray(image).rotate(
        degrees, PillowImage.Resampling.BICUBIC, expand=True, fillcolor=WHITE
    )
    return np.asarray(turned)


def _cropped(image: Image, random: np.random.Generator) -> Image:
    """Without a strip of each side, which may cut into the drawing."""
    height, width = image.shape[:2]
    top, bottom = (random.uniform(*_CUTS, size=2) * height).astype(int)
    left, right = (random.uniform(*_CUTS, size=2) * width).astype(int)
    return image[top : height - bottom, left : width - right]
