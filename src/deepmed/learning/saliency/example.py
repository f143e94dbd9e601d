"""A small scene to try the functions of this package on: its examples and tests use it."""

import numpy as np

from deepmed.learning.detectors import make_detector
from deepmed.learning.encoders import HogPyramidEncoder, Image
from deepmed.learning.saliency.score import PageScore, ScoreFunction

TYPICAL_SHEETS = 12


def example_sheet(place: int, *, bar: bool = False) -> Image:
    """A square outline somewhere on a sheet of 96 by 96, and a bar in it if wanted.

    Args:
        place: moves the outline a little, 0 to 11.
        bar: whether there is a thick slanting bar in its upper left.

    Returns:
        (96, 96, 3) uint8.

    Example:
        >>> example_sheet(0).shape, bool((example_sheet(0) == example_sheet(0, bar=True)).all())
        ((96, 96, 3), False)
    """
    sheet = np.full((96, 96, 3), 255, np.uint8)
    low, high = 16 + place % 4, 76 + place // 4
    for line in (low, high):
        sheet[line : line + 2, low : high + 2] = 0
        sheet[low : high + 2, line : line + 2] = 0
    if bar:
        for step in range(12):
            sheet[20 + step, 20 + step : 26 + step] = 0
    return sheet


def example_page(detector: str = "knn") -> PageScore:
    """The score of a sheet with a bar, where the detector has seen twelve sheets without one.

    Args:
        detector: name in the registry of detectors.

    Example:
        >>> page = example_page()
        >>> bool(page.scores(page.pixels)[0] > 0)
        True
    """
    encoder = HogPyramidEncoder(device="cpu")
    typical = encoder.embed([example_sheet(place) for place in range(TYPICAL_SHEETS)])
    fitted = make_detector(detector, seed=0).fit(typical)
    return ScoreFunction(encoder, fitted).at(encoder.prepare([example_sheet(5, bar=True)]))
