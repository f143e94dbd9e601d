"""How well orders of patches do that were drawn by lot: what a map has to beat."""

import numpy as np
from scipy import special

from deepmed.kit.seeds import generator
from deepmed.learning.class_activation.scoring import ClassScore
from deepmed.learning.saliency.controls import pixel_hash
from deepmed.learning.saliency.faithfulness import Curves
from deepmed.learning.saliency.fills import Fill

DRAWN = 10
ORDERS = 2 * DRAWN
"""Each drawn order counts forwards and backwards. The chance that one more order, drawn like them,
beats all of these is 1 in 22: it has to be the largest of eleven distances from nought, and of the
right sign."""


def random_curves(score: ClassScore, fill: Fill, *, steps: int, seed: int = 0) -> list[Curves]:
    """The curves of twenty random orders, for the price of ten.

    Putting patches in from the last one on shows the same pictures as taking them away from the
    first one on, so an order taken backwards needs no picture of its own.

    Args:
        score: around the image.
        fill: what stands in missing patches.
        steps: how many times patches are moved.
        seed: of the orders; others for another image.

    Returns:
        As many as `ORDERS`, on the probability of the class.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from deepmed.learning.class_activation.baselines import mean_fill
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
        >>> score = ClassScore(network, torch.rand(1, 1, 8, 8), 1)
        >>> scores = [one.score for one in random_curves(score, mean_fill(score), steps=4)]
        >>> len(scores), bool(np.isclose(max(scores), -min(scores)))
        (20, True)
    """
    patches = score.grid[0] * score.grid[1]
    random = generator(seed, "random-orders", pixel_hash(score))
    places = random.permuted(np.tile(np.arange(patches), (DRAWN, 1)), axis=1)
    moved = np.rint(np.linspace(0, patches, steps + 1)).astype(int)[1:-1]
    first = places[:, None, :] < moved[None, :, None]
    asked = np.stack([~first, first]).reshape(-1, patches)
    found = special.expit(score.mixed_scores(fill.pixels, asked)).reshape(2, DRAWN, steps - 1)
    (own,), (empty,) = score.probabilities(score.pixels), score.probabilities(fill.pixels)
    insertions = np.pad(found[0], ((0, 0), (1, 1)), constant_values=((0, 0), (empty, own)))
    deletions = np.pad(found[1], ((0, 0), (1, 1)), constant_values=((0, 0), (own, empty)))
    forwards = [Curves(*pair) for pair in zip(insertions, deletions, strict=True)]
    return [*forwards, *(Curves(one.deletion[::-1], one.insertion[::-1]) for one in forwards)]
