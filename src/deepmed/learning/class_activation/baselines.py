"""What stands in a patch that is taken away: something that does not itself score like the image.

Where a picture full of the replacement scores like the image, taking patches away changes nothing,
and no curve over taken patches says anything about the image.
"""

from collections.abc import Callable

import torch
from scipy import special

from deepmed.kit.seeds import generator
from deepmed.learning.class_activation.scoring import ClassScore
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.controls import pixel_hash
from deepmed.learning.saliency.fills import Fill, blur_fill

Baseline = tuple[Fill, float]
"""What replaces patches, and the probability of the class of a picture full of it."""

MOST_OF_IMAGE = 0.5
"""A replacement may have at most this share of the probability that the image has."""


def mean_fill(score: ClassScore, _seed: int = 0) -> Fill:
    """The image's mean of each colour, everywhere.

    Example:
        >>> from torch import nn
        >>> image = torch.rand(1, 3, 8, 8)
        >>> mean_fill(ClassScore(nn.Flatten(), image, 0)).pixels[0, 0].std() < 1e-6
        tensor(True)
    """
    mean = score.pixels.mean(dim=(2, 3), keepdim=True)
    return Fill("mean", mean.expand_as(score.pixels).clone())


def noise_fill(score: ClassScore, seed: int = 0) -> Fill:
    """The image's own pixels in random order: its levels without its shapes.

    Args:
        score: around the image.
        seed: of the order; another for each image.

    Example:
        >>> from torch import nn
        >>> image = torch.rand(1, 3, 8, 8)
        >>> mixed = noise_fill(ClassScore(nn.Flatten(), image, 0)).pixels
        >>> torch.equal(mixed[0, 0].ravel().sort().values, image[0, 0].ravel().sort().values)
        True
    """
    channels, height, width = score.pixels.shape[1:]
    random = generator(seed, "noise-fill", pixel_hash(score))
    order = torch.from_numpy(random.permutation(height * width)).to(score.pixels.device)
    mixed = score.pixels.reshape(1, channels, -1)[:, :, order]
    return Fill("noise", mixed.reshape(score.pixels.shape))


def _blur(score: ClassScore, _seed: int) -> Fill:
    return blur_fill(score)


CANDIDATES: tuple[Callable[[ClassScore, int], Fill], ...] = (_blur, mean_fill, noise_fill)


def choose_baseline(score: ClassScore, seed: int = 0) -> Baseline:
    """The first of blur, mean and noise that does not score like the image.

    Args:
        score: around the image.
        seed: of the noise.

    Returns:
        The replacement, and the probability of the class of a picture full of it.

    Raises:
        SaliencyGenerationError: each of them scores like the image.

    Example:
        >>> from torch import nn
        >>> always = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
        >>> _ = nn.init.zeros_(always[1].weight)
        >>> choose_baseline(ClassScore(always, torch.rand(1, 1, 8, 8), 1))
        Traceback (most recent call last):
        deepmed.learning.errors.SaliencyGenerationError: How faithful a map of this image is ...
    """
    own = float(score.probabilities(score.pixels)[0])
    found = []
    for make in CANDIDATES:
        fill = make(score, seed)
        reached = float(special.expit(score.scores(fill.pixels)[0]))
        if reached <= MOST_OF_IMAGE * own:
            return fill, reached
        found.append(f"{fill.name} {reached:.3f}")
    raise SaliencyGenerationError(
        "How faithful a map of this image is cannot be measured: whatever replaces its patches "
        f"scores like the image itself ({', '.join(found)}; the image {own:.3f}; at most half of "
        "that is allowed). The model does not need what the image shows to say this."
    )
