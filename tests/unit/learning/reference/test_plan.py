"""Who fits and who calibrates, over many shapes of groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepmed.learning.reference import Lenders, Rows, join, plan_groups, plan_pool


def rows_of(children: list[int], age: float = 7.0, first_drawing: int = 0) -> Rows:
    n = len(children)
    return Rows(
        np.arange(first_drawing, first_drawing + n, dtype=np.int64),
        np.array(children, dtype=np.int64),
        np.full(n, age),
        np.zeros(n, dtype=np.int64),
        np.random.default_rng(n).normal(size=(n, 4)).astype(np.float32),
    )


def ids(rows: Rows) -> set[int]:
    return set(rows.children.tolist())


@pytest.mark.req("D-9.1")
@given(st.lists(st.integers(0, 60), min_size=1, max_size=120), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_no_child_both_fits_and_calibrates(children: list[int], seed: int) -> None:
    plan = plan_groups({"g": rows_of(children)}, seed)["g"]
    assert not ids(plan.model.training) & ids(plan.model.calibration)
    assert ids(plan.model.fit) | ids(plan.model.calibration) == set(children)
    if plan.twin:
        assert not ids(plan.twin.training) & ids(plan.twin.calibration)


@pytest.mark.req("D-9.2")
@pytest.mark.parametrize(("children", "calibrate"), [(30, 20), (41, 21), (100, 50)])
def test_half_of_the_children_but_at_least_twenty_calibrate(children: int, calibrate: int) -> None:
    plan = plan_groups({"g": rows_of(list(range(children)))}, 0)["g"]
    assert len(ids(plan.model.calibration)) == calibrate


@pytest.mark.req("D-9.2")
def test_the_split_is_random_and_decided_by_the_seed() -> None:
    groups = {"g": rows_of(list(range(40)))}
    first, again, other = (ids(plan_groups(groups, seed)["g"].model.fit) for seed in (1, 1, 2))
    assert first == again != other
    assert first != set(range(20))


@pytest.mark.req("D-9.3")
def test_a_thin_group_borrows_from_fitting_parts_only() -> None:
    young = rows_of(list(range(22)), 4.0)
    old = rows_of(list(range(100, 160)), 8.0, first_drawing=1000)
    plans = plan_groups({"young": young, "old": old}, 0)
    thin, rich = plans["young"], plans["old"]
    assert len(thin.model.fit) == 2
    assert len(thin.model.training) == 10
    assert ids(thin.model.borrowed) <= ids(rich.model.fit)
    assert not ids(thin.model.borrowed) & ids(rich.model.calibration)
    assert not len(rich.model.borrowed)


@pytest.mark.req("D-9.3")
def test_a_twin_borrows_from_twins_only() -> None:
    young = rows_of(list(range(22)), 4.0)
    old = rows_of(list(range(100, 160)), 8.0, first_drawing=1000)
    plans = plan_groups({"young": young, "old": old}, 0)
    twin, rich = plans["young"].twin, plans["old"].twin
    assert twin is not None
    assert rich is not None
    assert len(twin.training) == 10
    assert ids(twin.borrowed) <= ids(rich.fit)
    assert not ids(twin.borrowed) & ids(plans["old"].model.fit)


@pytest.mark.req("D-9.3")
def test_nobody_borrows_drawings_of_its_own_children() -> None:
    young = rows_of(list(range(22)), 4.0)
    old = rows_of(list(range(60)), 8.0, first_drawing=1000)
    plan = plan_groups({"young": young, "old": old}, 0)["young"]
    assert not ids(plan.model.borrowed) & ids(young)


@pytest.mark.req("D-9.3")
@pytest.mark.parametrize(("children", "calibrate"), [(15, 5), (9, 0), (25, 15)])
def test_with_nothing_to_borrow_ten_drawings_are_kept_to_fit(children: int, calibrate: int) -> None:
    plan = plan_groups({"g": rows_of(list(range(children)))}, 0)["g"]
    assert len(ids(plan.model.calibration)) == calibrate


@pytest.mark.req("D-9.3")
def test_models_trained_before_lend_their_fitting_parts() -> None:
    lender = rows_of(list(range(200, 230)), 8.0, first_drawing=5000)
    lent = Lenders(lender.take(np.arange(15)), lender.take(np.arange(15, 30)))
    plan = plan_groups({"g": rows_of(list(range(22)), 5.0)}, 0, others=[lent])["g"]
    assert len(plan.model.training) == 10
    assert ids(plan.model.borrowed) <= ids(lent.fit)
    assert plan.twin is not None
    assert ids(plan.twin.borrowed) <= ids(lent.twin_fit)


def test_the_nearest_ages_are_borrowed_first() -> None:
    far = rows_of(list(range(100, 160)), 11.0, first_drawing=1000)
    near = rows_of(list(range(200, 260)), 6.0, first_drawing=2000)
    groups = {"young": rows_of(list(range(21)), 4.0), "far": far, "near": near}
    plan = plan_groups(groups, 0)["young"]
    assert set(plan.model.borrowed.ages.tolist()) == {6.0}


@pytest.mark.req("D-26.3")
@given(st.integers(10, 90), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_twin_calibrates_on_all_fitting_children_topped_up_to_twenty(
    children: int, seed: int
) -> None:
    plan = plan_groups({"g": rows_of(list(range(children)))}, seed)["g"]
    if plan.twin is None:
        assert len(plan.model.calibration) < 20
        return
    fitted = ids(plan.model.fit)
    assert fitted <= ids(plan.twin.calibration)
    assert len(ids(plan.twin.calibration)) == max(20, len(fitted))
    assert ids(plan.twin.fit) == ids(plan.model.calibration) - ids(plan.twin.calibration)


def test_a_child_who_calibrates_one_group_calibrates_the_pool() -> None:
    both = list(range(60))
    groups = {"young": rows_of(both, 4.0), "old": rows_of([*both, *range(100, 130)], 8.0, 1000)}
    plans = plan_groups(groups, 0)
    pool = plan_pool(list(plans.values()), 0)
    calibrators = ids(join([plan.model.calibration for plan in plans.values()]))
    assert ids(pool.model.calibration) == calibrators
    assert not ids(pool.model.fit) & calibrators
