"""Give an altered drawing the very greys of its original: strokes as crisp as they were.

Interpolation leaves a soft seam on both sides of every stroke. A detector that was fitted on crisp
strokes finds such a drawing by its softness, whatever was altered in it. Softness is a matter of
how many pixels are how dark, so it goes when every grey is as frequent as in the original.
"""

import numpy as np

from deepmed.learning.planting.ink import Depth, grey

_LEAST = 1e-6


def with_greys_of(altered: Depth, original: Depth) -> Depth:
    """The altered drawing with as many pixels of each darkness as the original has.

    The darkest pixel gets the darkness of the original's darkest, the next one that of its next,
    and so on. So the amount of ink is the original's too. A drawing whose pixels were only moved
    stays as it is.

    Args:
        altered: float32 (h, w, 3), darkness by channel.
        original: float32 (h', w', 3), about the same size.

    Returns:
        float32 (h, w, 3); what is lighter than all ink of the original becomes paper.

    Example:
        >>> crisp = np.zeros((9, 9, 3), dtype=np.float32)
        >>> crisp[3:5] = 1.0
        >>> soft = (crisp + np.roll(crisp, 1, axis=0)) / 2
        >>> np.unique(soft).tolist(), np.unique(with_greys_of(soft, crisp)).tolist()
        ([0.0, 0.5, 1.0], [0.0, 1.0])
    """
    have, wanted = grey(altered).ravel(), grey(original).ravel()
    marked = np.flatnonzero(have > _LEAST)
    ranked = marked[np.argsort(-have[marked], kind="stable")]
    levels = np.sort(wanted[wanted > _LEAST])[::-1][: len(ranked)]
    scale = np.zeros_like(have)
    scale[ranked[: len(levels)]] = levels / have[ranked[: len(levels)]]
    scaled = altered * scale.reshape(altered.shape[:2])[:, :, None]
    # A pale colour cannot become as dark as black: then it is as strong as it can be.
    return np.asarray(np.minimum(scaled, 1.0), dtype=np.float32)
