import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepmed.learning.planting import (
    LONGEST_SIDE,
    PlantedKind,
    plant,
    plant_set,
    redraw,
    shrink,
)

Picture = NDArray[np.uint8]
Make = Callable[..., Picture]
MEBIBYTE = 2**20


@pytest.fixture
def photograph(make_figure: Make) -> Picture:
    """Twenty million pixels, 60 MB."""
    drawn = Image.fromarray(make_figure((1000, 800)))
    return np.asarray(drawn.resize((5000, 4000), Image.Resampling.NEAREST))


def test_twenty_million_pixels_take_no_more_memory_than_they_hold(photograph: Picture) -> None:
    """As darkness in floating point one such page has 240 MB, and planting keeps several."""
    tracemalloc.start()
    planted = plant(photograph, PlantedKind.PARTS_SHUFFLED, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * MEBIBYTE
    assert planted.image.shape == (800, 1000, 3)
    assert planted.within(0.1)


def test_a_set_of_photographs_is_shrunk_before_it_is_looked_at(photograph: Picture) -> None:
    [planted] = plant_set([photograph], ["a"], [0], 0, kinds=[PlantedKind.TINY_MARK])
    assert max(planted.image.shape) <= LONGEST_SIDE


def test_what_is_planted_is_compared_with_the_shrunk_original(photograph: Picture) -> None:
    small = shrink(photograph)
    # Squares of five pixels a side had one colour each.
    np.testing.assert_array_equal(small, photograph[2::5, 2::5])
    again = redraw(photograph, np.random.default_rng(0))
    np.testing.assert_array_equal(again, redraw(small, np.random.default_rng(0)))


@pytest.mark.parametrize("side", [30, LONGEST_SIDE])
def test_a_picture_that_is_small_enough_is_left_as_it_is(side: int) -> None:
    picture = np.zeros((20, side, 3), dtype=np.uint8)
    assert shrink(picture) is picture
    assert shrink(np.zeros((20, side * 40, 3), dtype=np.uint8)).shape[1] <= LONGEST_SIDE
