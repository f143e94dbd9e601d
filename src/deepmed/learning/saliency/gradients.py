"""Maps from the gradient of the score: what each patch adds, going from the fill to the drawing."""

import torch

from deepmed.learning.saliency.fills import Fill
from deepmed.learning.saliency.score import FloatArray, PageScore, patch_sums

STEPS = 16


def gradient_times_change(page: PageScore, fill: Fill) -> FloatArray:
    """The score's gradient at the drawing times what the drawing changes against the fill.

    Source: gradient times input (Shrikumar, Greenside and Kundaje, ICML 2017), with the fill as
    the point of reference. One gradient a drawing; exact where the score is linear.

    Args:
        page: the score around one drawing.
        fill: what the drawing is compared with.

    Returns:
        (rows, columns), in units of the score.

    Raises:
        NotDifferentiableError: the score has no gradient.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> from deepmed.learning.saliency.fills import paper_fill
        >>> gradient_times_change(page, paper_fill(page)).shape
        (14, 14)
    """
    gradient = page.gradient(page.pixels)
    return patch_sums(gradient * (page.pixels - fill.pixels), page.function.grid)


def integrated_gradients(page: PageScore, fill: Fill, steps: int = STEPS) -> FloatArray:
    """The score's gradient averaged on the way from the fill to the drawing, times the change.

    The patches sum up to the difference of the two scores, up to the error of the midpoint rule,
    which is large where the encoder bends sharply, as `hog-pyramid` does close to blank paper.
    Source: Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, ICML 2017.

    Args:
        page: the score around one drawing.
        fill: what the drawing is compared with.
        steps: points on the way.

    Returns:
        (rows, columns), in units of the score.

    Raises:
        NotDifferentiableError: the score has no gradient.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> from deepmed.learning.saliency.fills import paper_fill
        >>> integrated_gradients(page, paper_fill(page)).shape
        (14, 14)
    """
    change = page.pixels - fill.pixels
    shares = ((torch.arange(steps) + 0.5) / steps).to(change).view(-1, 1, 1, 1)
    mean = page.gradient(fill.pixels + shares * change).mean(dim=0, keepdim=True)
    return patch_sums(mean * change, page.function.grid)


def gradient_magnitude(page: PageScore) -> FloatArray:
    """How strongly the score reacts to each patch at all: the sum of |gradient| over its pixels.

    Source: Simonyan, Vedaldi and Zisserman, 2013. It says where the score is sensitive, not what
    raises it, and a blank patch can be sensitive.

    Args:
        page: the score around one drawing.

    Returns:
        (rows, columns), not negative, score by share of paper.

    Raises:
        NotDifferentiableError: the score has no gradient.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> bool((gradient_magnitude(page) >= 0).all())
        True
    """
    return patch_sums(page.gradient(page.pixels).abs(), page.function.grid)
