"""Pictures that are the same drawing to a person: pseudo-repeats."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage

from deepmed.features.drawings.bench.collection import Image
from deepmed.kit import seeds

COPIES = 3
WHITE = (255, 255, 255)
_TURNS = (4.0, 15.0)
_CUTS = (0.02, 0.08)


def repeats(images: Sequence[Image], seed: int) -> list[list[Image]]:
    """Three copies of each picture: turned one way, turned the other way, and cropped."""
    made = []
    for index, image in enumerate(images):
        random = seeds.generator(seed, "bench copies", index)
        turns = random.uniform(*_TURNS, size=2) * (1, -1)
        made.append([*(_turned(image, degrees) for degrees in turns), _cropped(image, random)])
    return made


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
