from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.planting import (
    MATCHED_KINDS,
    PlantedKind,
    changed_share,
    plant_set,
    stand_ins,
)

Picture = NDArray[np.uint8]
Differ = Callable[[Picture, Picture], list[float]]
Make = Callable[..., Picture]

QUICK = (PlantedKind.PARTS_SHUFFLED, PlantedKind.OTHER_GROUP)


@pytest.fixture
def album(make_figure: Make) -> tuple[list[Picture], list[str], list[int]]:
    """Twelve drawings by six children in two groups; each child drew twice."""
    images = [make_figure((180 + 4 * number, 200)) for number in range(12)]
    images[6:] = [image[:, ::-1] for image in images[6:]]
    return images, [f"child {number // 2}" for number in range(12)], [0] * 6 + [1] * 6


def test_each_anomaly_names_its_source_and_its_stand_in(
    album: tuple[list[Picture], list[str], list[int]],
) -> None:
    images, children, groups = album
    planted = plant_set(images, children, groups, 0, kinds=QUICK)
    assert Counter(one.kind for one in planted) == dict.fromkeys(QUICK, 12)
    for one in planted:
        assert one.source is not None
        assert one.image.shape == images[one.source].shape
        if one.kind is PlantedKind.OTHER_GROUP:
            assert one.donor is not None
            assert groups[one.donor] != groups[one.source]
            assert children[one.donor] != children[one.source]
        else:
            assert one.donor is None


def test_a_stand_in_never_comes_from_the_same_child(make_figure: Make) -> None:
    """A child who drew in two groups does not stand in for itself."""
    images = [make_figure((180 + 4 * number, 200)) for number in range(3)]
    images[0] = images[0][:, ::-1]
    planted = plant_set(images, ["a", "a", "b"], [0, 1, 1], 0, kinds=[PlantedKind.OTHER_GROUP])
    assert {(one.source, one.donor) for one in planted} == {(0, 2), (2, 0)}


def test_drawings_of_the_own_group_stand_in_too(
    album: tuple[list[Picture], list[str], list[int]],
) -> None:
    images, children, groups = album
    images = [image[:, :: (-1) ** (number // 2)] for number, image in enumerate(images)]
    made = stand_ins(images, children, groups, 0)
    assert {one.source for one in made} == set(range(12))
    for one in made:
        assert one.source is not None
        assert one.donor is not None
        assert groups[one.donor] == groups[one.source]
        assert children[one.donor] != children[one.source]
        assert one.within(0.1)
    assert stand_ins(images, children, range(12), 0) == []


def test_every_child_takes_part_before_one_does_twice(
    album: tuple[list[Picture], list[str], list[int]],
) -> None:
    images, children, groups = album
    for seed in range(5):
        planted = plant_set(images, children, groups, seed, kinds=QUICK[:1], per_kind=6)
        assert {children[one.source or 0] for one in planted} == set(children)


def test_only_the_named_sources_are_altered_and_the_others_lend(
    album: tuple[list[Picture], list[str], list[int]],
) -> None:
    images, children, groups = album
    planted = plant_set(images, children, groups, 0, kinds=QUICK, sources=range(6))
    assert {one.source for one in planted} == set(range(6))
    assert {one.donor for one in planted if one.donor is not None} <= set(range(6, 12))


def test_what_is_planted_depends_on_seed_kind_and_drawing_alone(
    album: tuple[list[Picture], list[str], list[int]],
) -> None:
    images, children, groups = album
    all_of_them = plant_set(images, children, groups, 5, kinds=QUICK)
    some = plant_set(images, children, groups, 5, kinds=QUICK[::-1], per_kind=4)
    known = {(one.kind, one.source): one.image for one in all_of_them}
    assert len(some) == 8
    assert all((known[one.kind, one.source] == one.image).all() for one in some)
    other = plant_set(images, children, groups, 6, kinds=QUICK[:1])
    assert any((known[one.kind, one.source] != one.image).any() for one in other)


def test_blank_pages_and_a_missing_other_group_are_left_out(page: Picture) -> None:
    blank = np.full_like(page, 255)
    planted = plant_set([page, blank], ["a", "b"], [0, 0], 0, kinds=QUICK)
    assert [(one.kind, one.source) for one in planted] == [(PlantedKind.PARTS_SHUFFLED, 0)]
    with pytest.raises(InsufficientDataError, match="No anomaly"):
        plant_set([blank], ["a"], [0], 0)


def test_the_sequences_must_agree(page: Picture) -> None:
    with pytest.raises(ValueError, match="one entry"):
        plant_set([page], ["a", "b"], [0], 0)


@pytest.mark.req("D-3.2")
def test_twenty_real_drawings_are_matched_within_a_tenth(
    real_drawings: list[tuple[str, Picture]], differ: Differ
) -> None:
    groups, images = zip(*real_drawings, strict=True)
    assert len(images) == 20
    planted = plant_set(images, range(20), groups, 0)
    made = Counter(one.kind for one in planted)
    assert set(made) == set(MATCHED_KINDS)
    assert min(made.values()) >= 18
    for one in planted:
        original = images[one.source or 0]
        assert max(differ(original, one.image)) <= 0.1, (one.kind, one.source)
        assert changed_share(original, one.image) >= (0.03 if one.kind.strength else 0.2)
