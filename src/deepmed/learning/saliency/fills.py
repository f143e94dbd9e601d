"""What stands in a patch that is taken away: something that the model does not find unusual (D-17).

Taking a patch away means putting something in its place. If a page that consists of nothing but
that something is itself unusual, a curve over taken patches says nothing about the drawing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.calibration.level import conformal_p
from deepmed.learning.encoders import Prepared
from deepmed.learning.encoders.base import SIZE
from deepmed.learning.errors import SaliencyGenerationError
from deepmed.learning.saliency.score import FloatArray, PageScore, ScoredPixels

PAPER, BLUR, TYPICAL = "paper", "blur", "typical"

Ranking = Callable[[FloatArray], FloatArray]
"""From (B,) scores to their (B,) p among the drawing's own comparison children."""

USUAL_P = 0.2
"""A page is usual enough to stand in where its p lies above this."""

_BLUR_SIGMA = 10.0
_BLUR_REACH = 3


@dataclass(frozen=True, eq=False)
class Fill:
    """What stands in a patch that is taken away.

    Attributes:
        name: `paper`, `blur` or `typical`.
        pixels: (1, C, 224, 224), a whole page of it in the drawing's own frame.
        p: of a page that is filled with it completely; None where nobody asked.
    """

    name: str
    pixels: torch.Tensor
    p: float | None = None


def ranking_of(calibration: CalibrationSet, without: object = None) -> Ranking:
    """The ranking of a drawing, for faithfulness.

    Args:
        calibration: the children that the drawing is compared with.
        without: the drawing's own child where it is among them.

    Returns:
        From (B,) scores to (B,) p.

    Example:
        >>> ranking_of(CalibrationSet(range(19), range(19)))(np.array([100.0, -1.0])).tolist()
        [0.05, 1.0]
    """
    others = calibration if without is None else calibration.without_child(without)

    def rank(scores: FloatArray) -> FloatArray:
        counts, n = others.counts(scores)
        return np.array([conformal_p(float(count), n) for count in counts])

    return rank


def paper_fill(page: PageScore) -> Fill:
    """Blank paper.

    Args:
        page: the page whose size and channels it takes.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> paper_fill(page).pixels.min()
        tensor(1.)
    """
    return Fill(PAPER, torch.ones_like(page.pixels))


def blur_fill(page: ScoredPixels) -> Fill:
    """The picture itself, blurred until its lines are gone (Gaussian, 10 of 224 pixels across).

    Args:
        page: the picture.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> bool(blur_fill(page).pixels.std() < page.pixels.std())
        True
    """
    sigma = _BLUR_SIGMA * page.pixels.shape[-1] / SIZE
    reach = math.ceil(_BLUR_REACH * sigma)
    across = torch.arange(-reach, reach + 1.0)
    kernel = torch.exp(-(across**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).to(page.pixels)
    channels = page.pixels.shape[1]
    rows = kernel.view(1, 1, 1, -1).expand(channels, -1, -1, -1)
    columns = kernel.view(1, 1, -1, 1).expand(channels, -1, -1, -1)
    padded = functional.pad(page.pixels, (reach,) * 4, mode="replicate")
    smooth = functional.conv2d(padded, rows, groups=channels)
    return Fill(BLUR, functional.conv2d(smooth, columns, groups=channels))


def typical_fill(page: PageScore, typical: Prepared) -> Fill:
    """The pixels of a typical drawing, in this drawing's frame.

    Args:
        page: the drawing.
        typical: a typical drawing, prepared by the same encoder.

    Raises:
        SaliencyGenerationError: it was prepared by another encoder, or is not one drawing.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> typical_fill(page, page.page).name
        'typical'
    """
    if typical.pixels.shape != page.pixels.shape:
        raise SaliencyGenerationError(
            f"The typical drawing has pixels of shape {tuple(typical.pixels.shape)} and the page "
            f"{tuple(page.pixels.shape)}. Prepare one drawing with the same encoder."
        )
    return Fill(TYPICAL, typical.pixels.to(page.pixels.device))


def choose_fill(page: PageScore, ranking: Ranking, typical: Prepared | None = None) -> Fill:
    """The first of paper, blur and a typical drawing that is usual when it fills the page.

    A blank page is scored here although a blank drawing never is.

    Args:
        page: the drawing.
        ranking: its own ranking.
        typical: the nearest typical drawing of the fitting part; see `nearest_typical`.

    Returns:
        The fill with the p of a page full of it, above 0.2.

    Raises:
        SaliencyGenerationError: none of them is usual, so that no curve would say anything.

    Example:
        >>> from deepmed.learning.saliency.example import example_page
        >>> page = example_page()
        >>> choose_fill(page, lambda scores: np.full(len(scores), 0.9)).name
        'paper'
    """
    fills = [paper_fill(page), blur_fill(page)]
    if typical is not None:
        fills.append(typical_fill(page, typical))
    found = []
    for fill in fills:
        p = float(ranking(page.scores(fill.pixels))[0])
        if p > USUAL_P:
            return Fill(fill.name, fill.pixels, p)
        found.append(f"{fill.name} p = {p:.3f}")
    raise SaliencyGenerationError(
        "How faithful a map of this drawing is cannot be measured: whatever replaces its patches "
        f"is unusual itself ({', '.join(found)}; more than {USUAL_P} is needed). The drawing's "
        "place on the page, which stays, may be what is unusual, or too few children compare."
    )


def nearest_typical(row: FloatArray, typical: FloatArray) -> int:
    """Which typical drawing is the nearest, each column in units of its own deviation.

    Args:
        row: (D,) columns of the drawing.
        typical: (n, D) columns of the fitting part.

    Returns:
        An index into `typical`; the first of equals.

    Raises:
        SaliencyGenerationError: there is no typical drawing.

    Example:
        >>> nearest_typical(np.array([1.0, 0.0]), np.array([[0.0, 9.0], [3.0, 0.0]]))
        1
    """
    if not len(typical):
        raise SaliencyGenerationError("There is no typical drawing to compare with.")
    deviation = typical.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return int(np.square((typical - row) / scale).sum(axis=1).argmin())
