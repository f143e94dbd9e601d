"""Which ages a group holds, at its ends too."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepmed.features.drawings.models.ranges import (
    DEFAULT_PLAN,
    AgeRange,
    closes_by_default,
    parse_groups,
    refuse_overlap,
)
from deepmed.kit.errors import ValidationError

HALVES = st.integers(4, 36).map(lambda half: half / 2)


@pytest.mark.req("D-7.2")
@pytest.mark.parametrize(
    ("age", "holds"), [(5.99, False), (6.0, True), (8.999, True), (9.0, False), (9.01, False)]
)
def test_a_range_holds_its_lower_end_and_not_its_upper_one(age: float, holds: bool) -> None:  # noqa: FBT001 - a table's column
    assert AgeRange(6, 9).holds(age) is holds


@pytest.mark.req("D-7.2")
def test_an_upper_end_that_is_said_to_belong_is_held() -> None:
    closed = AgeRange(9, 12, upper_closed=True)
    assert closed.holds(12.0)
    assert not closed.holds(12.01)


@pytest.mark.req("D-7.2")
def test_a_range_is_open_at_its_end_unless_said_otherwise() -> None:
    assert AgeRange(9, 12).upper_closed is False


@pytest.mark.req("D-7.2")
@pytest.mark.parametrize("plan", ["3-6,6-9,9-12", "9-12, 3-6, 6-9", "6-9,9-12,3-6"])
def test_a_plan_closes_its_oldest_group_only(plan: str) -> None:
    groups = parse_groups(plan)
    assert [(group.age_min, group.age_max) for group in groups] == [(3, 6), (6, 9), (9, 12)]
    assert [group.upper_closed for group in groups] == [False, False, True]


@pytest.mark.req("D-7.2")
@pytest.mark.parametrize(
    ("age_max", "closes"), [(12.0, True), (18.0, True), (6.0, False), (9.0, False), (11.99, False)]
)
def test_a_single_group_closes_at_the_plans_end_or_at_eighteen(
    age_max: float,
    closes: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert closes_by_default(age_max) is closes


@pytest.mark.req("D-7.5")
def test_the_default_groups_are_three_six_nine_twelve() -> None:
    groups = parse_groups(DEFAULT_PLAN)
    assert [(group.age_min, group.age_max) for group in groups] == [(3, 6), (6, 9), (9, 12)]


@pytest.mark.req("D-23.3")
@given(st.lists(HALVES, min_size=2, max_size=6, unique=True), HALVES)
def test_every_age_of_a_plan_without_gaps_is_in_exactly_one_group(
    bounds: list[float], age: float
) -> None:
    ends = sorted(bounds)
    groups = parse_groups(",".join(f"{low}-{high}" for low, high in pairwise(ends)))
    inside = [group for group in groups if group.holds(age)]
    assert len(inside) == (ends[0] <= age <= ends[-1])
    if inside and age < ends[-1]:
        assert inside[0].age_min <= age < inside[0].age_max


@given(HALVES, HALVES, HALVES, HALVES, st.booleans(), st.booleans())
def test_ranges_overlap_when_an_age_is_in_both(
    low: float,
    high: float,
    other_low: float,
    other_high: float,
    closed: bool,  # noqa: FBT001 - drawn by hypothesis
    other: bool,  # noqa: FBT001 - likewise
) -> None:
    if not (low < high and other_low < other_high):
        return
    first, second = AgeRange(low, high, closed), AgeRange(other_low, other_high, other)
    ages = [quarter / 8 for quarter in range(16, 145)]
    expected = any(first.holds(age) and second.holds(age) for age in ages)
    assert first.overlaps(second) is second.overlaps(first) is expected


@pytest.mark.parametrize(
    "text",
    ["", " , ", "3", "3-", "-6", "a-b", "6-3", "6-6", "1-3", "12-19", "nan-6", "3-inf", "3--6"],
)
def test_what_is_no_plan_is_refused_with_an_example_or_the_limits(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_groups(text)
    assert "3-6" in caught.value.message or "between 2 and 18" in caught.value.message


def test_groups_of_a_plan_must_not_overlap() -> None:
    with pytest.raises(ValidationError, match=r"3\.0-7\.0 and 6\.0-9\.0 overlap"):
        parse_groups("6-9,3-7")
    with pytest.raises(ValidationError, match="overlap"):
        refuse_overlap([AgeRange(3, 12), AgeRange(4, 5), AgeRange(6, 7)])
    with pytest.raises(ValidationError, match="overlap"):
        refuse_overlap([AgeRange(3, 6, upper_closed=True), AgeRange(6, 9)])


def test_a_range_is_written_as_the_contract_and_as_people_write_it() -> None:
    assert AgeRange(6, 9).label == "6.0-9.0"
    assert AgeRange(6, 9).words == "6 to under 9 years"
    assert AgeRange(9, 12, upper_closed=True).words == "9 to 12 years"
