from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from deepmed.learning.planting import PlantedKind, plant, redraw, stand_ins
from deepmed.learning.planting.greys import with_greys_of

Picture = NDArray[np.uint8]
Make = Callable[..., Picture]

JITTER = (PlantedKind.JITTER_1, PlantedKind.JITTER_2, PlantedKind.JITTER_3)
MOVED = (PlantedKind.PARTS_SHUFFLED, PlantedKind.PART_MIRRORED, PlantedKind.PART_TURNED)


def edges(image: Picture) -> float:
    """Sum of the gradient's length: softer strokes have less of it."""
    rows, columns = np.gradient(image.min(axis=2).astype(float))
    return float(np.hypot(rows, columns).sum())


def grey_levels(image: Picture) -> NDArray[np.float64]:
    """How many pixels there are in each eighth of the greys, from black to paper."""
    return np.histogram(image.min(axis=2), bins=8, range=(0, 256))[0].astype(float)


@pytest.mark.req("D-3.2")
def test_a_redrawn_drawing_has_its_originals_crisp_strokes(
    real_drawings: list[tuple[str, Picture]],
) -> None:
    """Half a pixel of interpolation alone takes a fifth of the edges of these drawings."""
    kept = [
        edges(redraw(image, np.random.default_rng(seed))) / edges(image)
        for seed, (_, image) in enumerate(real_drawings)
    ]
    assert np.mean(kept) == pytest.approx(1.0, abs=0.02)
    assert min(kept) > 0.93


@pytest.mark.req("D-3.2")
def test_jitter_is_no_softer_than_what_it_is_compared_with(
    real_drawings: list[tuple[str, Picture]],
) -> None:
    for kind in JITTER:
        ratios = []
        for seed, (_, image) in enumerate(real_drawings):
            planted = plant(image, kind, np.random.default_rng(seed)).image
            again = redraw(image, np.random.default_rng(100 + seed))
            np.testing.assert_allclose(grey_levels(planted), grey_levels(again), atol=8)
            ratios.append(edges(planted) / edges(again))
        assert np.mean(ratios) == pytest.approx(1.0, abs=0.08), kind


@pytest.mark.req("D-3.2")
def test_a_redrawn_drawing_stays_within_a_pixel_of_its_place(make_figure: Make) -> None:
    page = make_figure()
    ink, again = (
        image.min(axis=2) < 128 for image in (page, redraw(page, np.random.default_rng(3)))
    )
    near = np.zeros_like(ink)
    for down, across in np.ndindex(3, 3):
        near |= np.roll(ink, (down - 1, across - 1), axis=(0, 1))
    assert not (again & ~near).any()
    assert (again != ink).any()


@pytest.mark.req("D-3.2")
@pytest.mark.parametrize("kind", MOVED)
def test_where_parts_move_every_pixel_is_one_of_the_original(
    make_figure: Make, kind: PlantedKind
) -> None:
    """On soft strokes interpolation would show at once: it makes greys that were not there."""
    for seed in range(6):
        page = make_figure((190 + seed, 210))
        page = np.maximum(page, 40 * (np.indices(page.shape)[0] % 4).astype(np.uint8))
        planted = plant(page, kind, np.random.default_rng(seed)).image
        colours = {tuple(pixel) for pixel in page.reshape(-1, 3).tolist()}
        assert {tuple(pixel) for pixel in planted.reshape(-1, 3).tolist()} <= colours


def test_as_many_pixels_of_each_darkness_as_the_original_has() -> None:
    random = np.random.default_rng(0)
    original = np.repeat(random.random((40, 40, 1)), 3, axis=2).astype(np.float32)
    altered = np.repeat(random.uniform(0.1, 0.9, (41, 39, 1)), 3, axis=2).astype(np.float32)
    made = with_greys_of(altered, original)
    count = altered.shape[0] * altered.shape[1]
    wanted = np.sort(original[:, :, 0], axis=None)[::-1][:count]
    np.testing.assert_allclose(np.sort(made[:, :, 0], axis=None)[::-1], wanted, atol=1e-6)
    # What was darker is not lighter than what was lighter.
    order = np.argsort(altered[:, :, 0], axis=None)
    assert (np.diff(made[:, :, 0].ravel()[order]) >= -1e-6).all()


def test_pixels_that_were_only_moved_keep_their_colours() -> None:
    colours = np.random.default_rng(0).random((30, 30, 3)).astype(np.float32)
    np.testing.assert_allclose(with_greys_of(colours[::-1], colours), colours[::-1], atol=1e-6)


def test_less_ink_than_wanted_is_not_made_of_paper() -> None:
    original = np.ones((10, 10, 3), dtype=np.float32)
    altered = np.zeros_like(original)
    altered[:2] = 0.5
    made = with_greys_of(altered, original)
    assert (made[:2] == 1).all()
    assert (made[2:] == 0).all()


@pytest.mark.req("D-3.2")
def test_a_stand_in_has_the_greys_of_what_it_stands_in_for(
    real_drawings: list[tuple[str, Picture]],
) -> None:
    images = [image for _, image in real_drawings]
    made = stand_ins(images, range(len(images)), [0] * len(images), 0)
    assert len(made) >= 18
    for one in made:
        assert one.source is not None
        levels = grey_levels(images[one.source])
        np.testing.assert_allclose(grey_levels(one.image), levels, atol=8)
