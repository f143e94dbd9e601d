from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import (
    MATCHED_KINDS,
    UNMATCHED_KINDS,
    PlantedKind,
    changed_share,
    ink_amount,
    ink_box,
    plant,
)
from deepmed.learning.planting.alterations import mirror_part, shuffle_parts, turn_part

Picture = NDArray[np.uint8]
Differ = Callable[[Picture, Picture], list[float]]
Make = Callable[..., Picture]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _donor(make_figure: Make) -> Picture:
    return make_figure((260, 180))[:, ::-1]


@pytest.mark.req("D-3.2")
def test_the_kinds_are_those_of_the_requirement() -> None:
    assert [kind.value for kind in MATCHED_KINDS] == [
        "parts_shuffled",
        "part_mirrored",
        "part_turned",
        "jitter_1",
        "jitter_2",
        "jitter_3",
        "other_group",
    ]
    assert [kind.value for kind in UNMATCHED_KINDS] == ["scribble", "filled_page", "tiny_mark"]
    assert [kind.strength for kind in MATCHED_KINDS] == [None, None, None, 1, 2, 3, None]


@pytest.mark.req("D-3.2")
@pytest.mark.parametrize("kind", MATCHED_KINDS)
@pytest.mark.parametrize("size", [(200, 200), (420, 260), (110, 90)])
def test_ink_and_box_stay_within_a_tenth_on_a_page_of_any_size(
    make_figure: Make, differ: Differ, kind: PlantedKind, size: tuple[int, int]
) -> None:
    page = make_figure(size)
    planted = plant(page, kind, _rng(), _donor(make_figure))
    assert planted.image.shape == page.shape
    assert planted.image.dtype == np.uint8
    assert planted.within(0.1)
    assert max(differ(page, planted.image)) <= 0.1


@pytest.mark.req("D-3.2")
@pytest.mark.parametrize("kind", MATCHED_KINDS)
def test_the_picture_really_changes(make_figure: Make, kind: PlantedKind) -> None:
    page = make_figure()
    planted = plant(page, kind, _rng(), _donor(make_figure))
    least = 0.03 if kind.strength else 0.2
    assert changed_share(page, planted.image) >= least


@pytest.mark.parametrize("kind", MATCHED_KINDS)
def test_tinted_paper_keeps_its_tint(make_figure: Make, kind: PlantedKind) -> None:
    paper = (238, 230, 214)
    page = make_figure(paper=paper)
    planted = plant(page, kind, _rng(), _donor(make_figure))
    assert planted.within(0.1)
    assert (planted.image[0, 0] == paper).all()
    assert (np.median(planted.image.reshape(-1, 3), axis=0) == paper).all()


@pytest.mark.req("D-3.2")
def test_a_scribble_and_a_filled_page_add_ink_and_a_tiny_mark_has_hardly_any(page: Picture) -> None:
    scribble, filled, tiny = (plant(page, kind, _rng()) for kind in UNMATCHED_KINDS)
    assert scribble.ink_ratio > 1.3
    assert filled.ink_ratio > 3.0
    assert tiny.ink_ratio < 0.1
    assert not any(one.within(0.1) for one in (scribble, filled, tiny))
    assert ink_box(scribble.image).width > 0.7 * page.shape[1]
    assert ink_box(tiny.image).width < 0.15 * page.shape[1]
    dark = (filled.image.min(axis=2) < 200).mean()
    assert 0.75 < dark < 1.0
    # The drawing lies under the scribble, and is gone from the sheet with the tiny mark.
    box = ink_box(page)
    assert ink_amount(scribble.image[box.slices]) > ink_amount(page[box.slices])


@pytest.mark.req("D-3.2")
def test_jitter_grows_with_its_strength(make_figure: Make) -> None:
    page = make_figure()
    change = [
        np.mean([changed_share(page, plant(page, kind, _rng(seed)).image) for seed in range(6)])
        for kind in (PlantedKind.JITTER_1, PlantedKind.JITTER_2, PlantedKind.JITTER_3)
    ]
    assert change[0] * 1.2 < change[1]
    assert change[1] * 1.2 < change[2]


def test_the_same_generator_plants_the_same_anomaly(make_figure: Make) -> None:
    page = make_figure()
    for kind in PlantedKind:
        first, again, other = (
            plant(page, kind, _rng(seed), _donor(make_figure)).image for seed in (1, 1, 2)
        )
        assert (first == again).all()
        assert (first == other).all() == (kind is PlantedKind.OTHER_GROUP)


@pytest.mark.parametrize("alter", [shuffle_parts, mirror_part, turn_part])
def test_parts_change_place_but_no_ink_is_lost(
    alter: Callable[..., NDArray[np.float32]],
) -> None:
    crop = _rng(3).random((60, 60, 3)).astype(np.float32)
    for seed in range(8):
        altered = alter(crop, _rng(seed))
        assert not np.array_equal(altered, crop)
        np.testing.assert_array_equal(np.sort(altered, axis=None), np.sort(crop, axis=None))


def test_every_shuffled_part_leaves_its_place() -> None:
    crop = np.kron(np.arange(36).reshape(6, 6), np.ones((10, 10)))[:, :, None]
    crop = np.repeat(crop, 3, axis=2).astype(np.float32)
    for seed in range(8):
        altered = shuffle_parts(crop, _rng(seed))
        assert (altered != crop).all()


@pytest.mark.req("D-3.2")
@pytest.mark.parametrize("kind", [PlantedKind.PART_TURNED, PlantedKind.PART_MIRRORED])
def test_an_alteration_that_nobody_could_see_is_refused(kind: PlantedKind) -> None:
    square = np.full((100, 100, 3), 255, dtype=np.uint8)
    square[30:70, 30:70] = 0
    with pytest.raises(InsufficientDataError, match="cannot be altered"):
        plant(square, kind, _rng())


def test_a_stand_in_is_needed_for_another_groups_drawing(page: Picture) -> None:
    with pytest.raises(InsufficientDataError, match="Another group"):
        plant(page, PlantedKind.OTHER_GROUP, _rng())


def test_a_stand_in_that_cannot_be_matched_is_refused(page: Picture) -> None:
    speck = np.full((100, 100, 3), 255, dtype=np.uint8)
    speck[50:53, 40:70] = 0
    with pytest.raises(InsufficientDataError, match="within 10%"):
        plant(page, PlantedKind.OTHER_GROUP, _rng(), speck)


@pytest.mark.parametrize("kind", list(PlantedKind))
def test_nothing_is_planted_into_a_blank_page(kind: PlantedKind, page: Picture) -> None:
    blank = np.full((80, 80, 3), 255, dtype=np.uint8)
    with pytest.raises(InsufficientDataError):
        plant(blank, kind, _rng(), page)
