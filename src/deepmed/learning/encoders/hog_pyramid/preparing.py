"""Pages ready to be encoded: the square around each one's ink, and where on the page it lies."""

from collections.abc import Sequence

import numpy as np
import torch

from deepmed.learning.encoders.base import Image, Prepared, check_image
from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.inkbox import crop_ink
from deepmed.learning.encoders.hog_pyramid.page import EXTRAS, extras_of


def prepare_ink_boxes(images: Sequence[Image], device: torch.device) -> Prepared:
    """Cut a square around the ink of each page.

    Args:
        images: (H, W, 3) uint8 RGB, upright, on white.
        device: where the encoder computes.

    Returns:
        pixels (B, 1, 224, 224), frames (B, 4), extras (B, 6) with the ink box and the size of
        the page in pixels. A blank page is shown whole.

    Raises:
        EmbeddingGenerationError: an image is not of that kind.

    Example:
        >>> page = np.full((100, 200, 3), 255, np.uint8)
        >>> page[40:60, 20:100] = 0
        >>> prepare_ink_boxes([page], torch.device("cpu")).frames.tolist()
        [[15.0, 5.0, 105.0, 95.0]]
    """
    for index, image in enumerate(images):
        check_image(image, index)
    crops = [crop_ink(image) for image in images]
    ink = np.zeros((len(crops), 1, layout.SIZE, layout.SIZE), dtype=np.uint8)
    for row, crop in zip(ink, crops, strict=True):
        row[0] = crop.ink
    frames = np.array([crop.frame for crop in crops], dtype=np.float32).reshape(-1, 4)
    extras = np.array([extras_of(crop) for crop in crops], dtype=np.float32)
    return Prepared(
        pixels=1 - torch.from_numpy(ink).to(device, torch.float32) / 255,
        frames=torch.from_numpy(frames).to(device),
        extras=torch.from_numpy(extras.reshape(-1, EXTRAS)).to(device),
    )
