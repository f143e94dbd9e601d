"""Maps from taking patches away and putting patches in: they need the score alone."""

import numpy as np

from deepmed.learning.saliency.fills import Fill
from deepmed.learning.saliency.score import FloatArray, ScoredPixels


def occlusion(page: ScoredPixels, fill: Fill) -> FloatArray:
    """How far the score drops when a patch of the drawing is replaced by the fill.

    Source: Zeiler and Fergus, ECCV 2014.

    Args:
        page: the score around one drawing.
        fill: what replaces a patch.

    Returns:
        (rows, columns), in units of the score; positive where the patch raises it.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> from deepmed.learning.saliency.fills import paper_fill
        >>> occlusion(page, paper_fill(page)).shape
        (14, 14)
    """
    whole = page.scores(page.pixels)[0]
    return _on_grid(whole - page.mixed_scores(fill.pixels, _each_alone(page)), page)


def two_sided_occlusion(page: ScoredPixels, fill: Fill) -> FloatArray:
    """The mean of what a patch changes as the first that leaves and as the first that comes.

    These are the two ends of the row of contributions that a Shapley value averages (the patch
    joining all others, and joining none), so a patch counts that matters only while others are
    there, and so does one that others could stand in for.

    Args:
        page: the score around one drawing.
        fill: what stands where the drawing does not.

    Returns:
        (rows, columns), in units of the score.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> from deepmed.learning.saliency.fills import paper_fill
        >>> two_sided_occlusion(page, paper_fill(page)).shape
        (14, 14)
    """
    alone = _each_alone(page)
    whole, nothing = (page.scores(pixels)[0] for pixels in (page.pixels, fill.pixels))
    leaving = whole - page.mixed_scores(fill.pixels, alone)
    coming = page.mixed_scores(fill.pixels, ~alone) - nothing
    return _on_grid((leaving + coming) / 2, page)


def _each_alone(page: ScoredPixels) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    rows, columns = page.grid
    return np.eye(rows * columns, dtype=bool)


def _on_grid(flat: FloatArray, page: ScoredPixels) -> FloatArray:
    return flat.reshape(page.grid)
