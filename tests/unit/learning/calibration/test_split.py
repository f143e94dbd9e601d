import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepmed.learning.calibration import (
    ScoreNormalizationError,
    calibration_size,
    split_children,
    twin_split,
)

repeatable = settings(deadline=None, derandomize=True, max_examples=150)

groups = st.dictionaries(st.integers(0, 500), st.integers(1, 8), max_size=80)
seeds = st.integers(0, 1000)


@pytest.mark.req("D-9.1")
@repeatable
@given(groups, seeds, st.integers(0, 30))
def test_each_child_is_in_exactly_one_part(
    group: dict[int, int], seed: int, borrowable: int
) -> None:
    split = split_children(list(group), list(group.values()), seed, borrowable=borrowable)
    assert Counter([*split.fit, *split.calibration]) == Counter(list(group))


@pytest.mark.req("D-9.1")
def test_drawings_of_one_child_cannot_be_split() -> None:
    with pytest.raises(ScoreNormalizationError, match="each child once"):
        split_children(["ann", "ann"], [1, 1], seed=0)


@pytest.mark.req("D-9.2")
@pytest.mark.parametrize(
    ("children", "calibrating"),
    [(0, 0), (1, 1), (19, 19), (20, 20), (21, 20), (40, 20), (41, 21), (42, 21), (101, 51)],
)
def test_so_many_children_calibrate(children: int, calibrating: int) -> None:
    assert calibration_size(children) == calibrating
    split = split_children(range(children), [1] * children, seed=3, borrowable=10)
    assert len(split.calibration) == calibrating


@pytest.mark.req("D-9.2")
def test_the_split_is_random_and_every_child_has_the_same_chance() -> None:
    drawn = Counter(
        child
        for seed in range(600)
        for child in split_children(range(60), [1] * 60, seed=seed).calibration
    )
    expected, deviation = 300, math.sqrt(600) / 2
    assert all(abs(drawn[child] - expected) < 4.5 * deviation for child in range(60))
    splits = {split_children(range(60), [1] * 60, seed=seed).calibration for seed in range(20)}
    assert len(splits) == 20


@pytest.mark.req("D-9.2")
@repeatable
@given(groups, seeds, st.integers(501, 900))
def test_another_child_does_not_reorder_those_who_are_there(
    group: dict[int, int], seed: int, newcomer: int
) -> None:
    before = split_children(list(group), list(group.values()), seed, borrowable=10)
    after = split_children([newcomer, *group], [1, *group.values()], seed, borrowable=10)
    order_before = [*before.calibration, *before.fit]
    order_after = [*after.calibration, *after.fit]
    assert [child for child in order_after if child != newcomer] == order_before
    shuffled = split_children(
        list(reversed(group)), list(reversed(group.values())), seed, borrowable=10
    )
    assert shuffled == before


@pytest.mark.req("D-9.3")
@repeatable
@given(groups, seeds, st.integers(0, 15))
def test_a_fitting_part_too_small_leaves_n_minus_ten_to_calibrate(
    group: dict[int, int], seed: int, borrowable: int
) -> None:
    n, usual = len(group), calibration_size(len(group))
    full = split_children(list(group), list(group.values()), seed, borrowable=10)
    fitting = sum(group[child] for child in full.fit)
    split = split_children(list(group), list(group.values()), seed, borrowable=borrowable)
    short = fitting + borrowable < 10
    assert len(split.calibration) == (max(0, n - 10) if short else usual)


@pytest.mark.req("D-9.3")
@pytest.mark.parametrize(
    ("children", "drawings", "borrowable", "calibrating"),
    [(25, 1, 0, 15), (25, 1, 4, 15), (25, 1, 5, 20), (25, 2, 0, 20), (30, 1, 0, 20), (8, 1, 0, 0)],
)
def test_ten_drawings_to_fit_with_what_can_be_borrowed(
    children: int, drawings: int, borrowable: int, calibrating: int
) -> None:
    split = split_children(range(children), [drawings] * children, seed=0, borrowable=borrowable)
    assert len(split.calibration) == calibrating


@pytest.mark.req("D-26.3")
@repeatable
@given(groups, seeds, st.integers(0, 15))
def test_the_twin_calibrates_on_all_fitting_children_topped_up_to_twenty(
    group: dict[int, int], seed: int, borrowable: int
) -> None:
    split = split_children(list(group), list(group.values()), seed, borrowable=borrowable)
    twin = twin_split(split, seed)
    assert set(split.fit) <= set(twin.calibration)
    assert Counter([*twin.fit, *twin.calibration]) == Counter(list(group))
    wanted = max(len(split.fit), min(20, len(group)))
    assert len(twin.calibration) == wanted


@pytest.mark.req("D-26.3")
def test_who_tops_up_the_twin_is_drawn_at_random() -> None:
    split = split_children(range(40), [1] * 40, seed=0, borrowable=10)
    small = type(split)(fit=split.fit[:10], calibration=split.calibration)
    drawn = {frozenset(twin_split(small, seed).calibration) for seed in range(20)}
    assert len(drawn) > 15
    assert twin_split(small, 5) == twin_split(small, 5)


def test_counts_that_do_not_fit_the_children_are_refused() -> None:
    with pytest.raises(ScoreNormalizationError):
        split_children([1, 2], [1], seed=0)
