import numpy as np
import pytest
from numpy.typing import NDArray

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import changed_share, compare, ink_amount, ink_box
from deepmed.learning.planting.ink import darkness, ink_depth
from deepmed.learning.planting.matching import fit_to_box, match_ink, put_into, to_image

Picture = NDArray[np.uint8]


def _ink(depth: NDArray[np.float32]) -> float:
    return float(darkness(depth).sum())


def test_a_drawing_agrees_with_itself(page: Picture) -> None:
    ratio, errors = compare(page, page)
    assert (ratio, errors.largest, changed_share(page, page)) == (1.0, 0.0, 0.0)


def test_errors_are_shares_of_the_original_box(page: Picture) -> None:
    box = ink_box(page)
    ratio, errors = compare(page, np.roll(page, (2, -3), axis=(0, 1)))
    assert (errors.x, errors.y) == pytest.approx((-3 / box.width, 2 / box.height))
    assert (ratio, errors.width, errors.height) == (1.0, 0.0, 0.0)
    cut = page.copy()
    cut[:, box.right - 10 :] = 255
    assert compare(page, cut)[1].width == pytest.approx(-10 / box.width)
    assert compare(page, cut)[0] == pytest.approx(ink_amount(cut) / ink_amount(page), rel=1e-6)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 1.8])
def test_the_ink_reaches_the_wanted_amount_by_thickness_and_paleness(
    page: Picture, factor: float
) -> None:
    depth = ink_depth(page)
    matched = match_ink(depth, factor * _ink(depth))
    assert _ink(matched) == pytest.approx(factor * _ink(depth), rel=0.05)
    # The strokes are still where they were.
    assert changed_share(page, to_image(matched, np.full(3, 255, np.float32))) < 0.4


@pytest.mark.parametrize("factor", [0.05, 20.0])
def test_an_amount_out_of_reach_does_not_disfigure_the_drawing(
    page: Picture, factor: float
) -> None:
    depth = ink_depth(page)
    matched = match_ink(depth, factor * _ink(depth))
    assert 0.25 < _ink(matched) / _ink(depth) < 4.0


def test_ink_is_fitted_to_a_box_without_its_margins(page: Picture) -> None:
    fitted = fit_to_box(ink_depth(page), 80, 120)
    assert fitted.shape == (120, 80, 3)
    assert ink_box(to_image(np.pad(fitted, ((9, 9), (9, 9), (0, 0))), np.full(3, 255.0))).width > 76


def test_what_would_be_stretched_beyond_recognition_is_refused(page: Picture) -> None:
    with pytest.raises(InsufficientDataError, match="does not fit"):
        fit_to_box(ink_depth(page), 20, 160)


def test_the_paper_around_the_box_stays_as_it_was(page: Picture) -> None:
    depth = ink_depth(page) + np.float32(0.03)  # paper that is not quite white
    box = ink_box(page)
    result = put_into(depth, box, np.ones((box.height, box.width, 3), np.float32))
    inside = np.zeros(page.shape[:2], dtype=bool)
    inside[box.slices] = True
    assert (result[inside] == 1.0).all()
    assert (result[~inside] == depth[~inside]).all()


def test_nobody_sees_a_shift_by_a_pixel_or_a_mirrored_disc(page: Picture) -> None:
    assert changed_share(page, np.roll(page, 1, axis=0)) < 0.15
    rows, columns = np.indices((100, 100))
    disc = np.full((100, 100, 3), 255, dtype=np.uint8)
    disc[np.hypot(rows - 49.5, columns - 49.5) < 30] = 0
    assert changed_share(disc, disc[:, ::-1]) == 0.0
    assert changed_share(page, page[::-1]) > 0.4
