"""Rows that stand beside every map: orders that know nothing of the score (D-17).

A map that is no better than these explains nothing, however plausible it looks.
"""

import hashlib

import torch
from torch.nn import functional

from deepmed.kit.seeds import generator
from deepmed.learning.saliency.fills import Fill
from deepmed.learning.saliency.score import FloatArray, ScoredPixels, patch_sums


def random_map(page: ScoredPixels, seed: int = 0) -> FloatArray:
    """Random numbers, the same for the same drawing and seed and others for another drawing.

    Args:
        page: one drawing.
        seed: of the run.

    Returns:
        (rows, columns) in [0, 1).

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> bool((random_map(page) == random_map(page)).all())
        True
    """
    return generator(seed, "random-map", pixel_hash(page)).random(page.grid)


def pixel_hash(page: ScoredPixels) -> str:
    """SHA-256 in hex of the prepared pixels: the drawing's name for streams of random numbers."""
    pixels = page.pixels.detach().to("cpu", torch.float32).contiguous()
    return hashlib.sha256(pixels.numpy().tobytes()).hexdigest()


def sobel_map(page: ScoredPixels) -> FloatArray:
    """How much edge there is: the sum of Sobel gradient magnitudes of the grey picture.

    Args:
        page: one drawing.

    Returns:
        (rows, columns), not negative.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> sobel_map(page).shape
        (14, 14)
    """
    grey = page.pixels.mean(dim=1, keepdim=True)
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).to(grey)
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    dx, dy = (functional.conv2d(padded, kernel[None, None]) for kernel in (across, across.T))
    return patch_sums(torch.sqrt(dx * dx + dy * dy), page.grid)


def ink_density_map(page: ScoredPixels) -> FloatArray:
    """How much ink there is.

    Args:
        page: one drawing.

    Returns:
        (rows, columns), not negative: pixels of full black, by channel.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> bool(ink_density_map(page).max() <= 256)
        True
    """
    return patch_sums(1 - page.pixels, page.grid)


def fill_difference_map(page: ScoredPixels, fill: Fill) -> FloatArray:
    """How much the drawing differs from the fill.

    Maps that compare with a fill know it; this control knows it too, and nothing of the score.

    Args:
        page: one drawing.
        fill: what it is compared with.

    Returns:
        (rows, columns), not negative.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> from deepmed.learning.saliency.fills import paper_fill
        >>> bool((fill_difference_map(page, paper_fill(page)) == ink_density_map(page)).all())
        True
    """
    return patch_sums((page.pixels - fill.pixels).abs(), page.grid)
