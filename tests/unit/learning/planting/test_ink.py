from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import InkBox, ink_amount, ink_box

Picture = NDArray[np.uint8]


def _noisy(image: Picture, spread: float) -> Picture:
    noise = np.random.default_rng(0).normal(0.0, spread, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_ink_is_the_darkness_that_pillow_measures(page: Picture) -> None:
    dark = (255 - np.asarray(Image.fromarray(page).convert("L"), dtype=float)) / 255
    assert ink_amount(page) == pytest.approx(dark.sum(), rel=0.01)


def test_the_box_is_the_one_that_pillow_measures(page: Picture) -> None:
    grey = Image.fromarray(page).convert("L").point(lambda value: 255 if value < 230 else 0)
    box = ink_box(page)
    assert (box.left, box.top, box.right, box.bottom) == grey.getbbox()
    assert (box.width, box.height) == (box.right - box.left, box.bottom - box.top)


@pytest.mark.parametrize("paper", [(250, 250, 250), (240, 232, 210), (215, 220, 228)])
def test_a_tint_of_the_paper_is_no_ink(
    make_figure: Callable[..., Picture], paper: tuple[int, int, int]
) -> None:
    white, tinted = make_figure(), make_figure(paper=paper)
    assert ink_box(tinted) == ink_box(white)
    assert ink_amount(tinted) == pytest.approx(ink_amount(white), rel=0.06)
    assert ink_amount(np.full((50, 50, 3), paper, dtype=np.uint8)) == 0.0


def test_a_photographed_sheet_has_the_same_ink(page: Picture) -> None:
    photographed = _noisy((page * 0.92).astype(np.uint8), 3.0)
    assert ink_amount(photographed) == pytest.approx(ink_amount(page), rel=0.1)
    assert ink_box(photographed) == ink_box(page)


def test_a_page_full_of_ink_is_not_taken_for_dark_paper() -> None:
    full = np.full((60, 60, 3), (40, 60, 50), dtype=np.uint8)
    assert ink_amount(full) > 0.7 * 60 * 60


def test_specks_of_dust_do_not_stretch_the_box(page: Picture) -> None:
    dusty = page.copy()
    dusty[3, 4] = dusty[195, 180] = dusty[194, 2] = 0
    dusty[1, 100:102] = 0
    assert ink_box(dusty) == ink_box(page)


def test_a_line_of_one_pixel_counts() -> None:
    page = np.full((50, 80, 3), 255, dtype=np.uint8)
    page[20, 10:70] = 90
    assert ink_box(page) == InkBox(10, 20, 70, 21)


def test_a_blank_page_has_no_box() -> None:
    blank = _noisy(np.full((50, 50, 3), 235, dtype=np.uint8), 2.0)
    assert ink_amount(blank) == 0.0
    with pytest.raises(InsufficientDataError, match="no ink"):
        ink_box(blank)
