"""Whom a drawing of a new child is ranked among by the model over all groups."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.reference import GroupPlan, Rows, join, plan_groups, plan_pool

SIZES = (20, 26, 78)
"""20, 20 and 39 of these calibrate their own groups: all, three quarters and half."""
REPEATS = 6_000
LEVEL = 0.05


def group(number: int, children: int) -> Rows:
    names = 1000 * number + np.arange(children)
    vectors = np.zeros((children, 2), np.float32)
    ages = np.full(children, 4.5 + 3 * number)
    return Rows(names, names, ages, np.zeros(children, np.int64), vectors)


@pytest.fixture(scope="module")
def plans() -> list[GroupPlan]:
    groups = {number: group(number, size) for number, size in enumerate(SIZES)}
    return list(plan_groups(groups, seed=0).values())


@pytest.fixture(scope="module")
def pool(plans: list[GroupPlan]) -> GroupPlan:
    return plan_pool(plans, seed=0)


def groups_of(children: NDArray[np.int64]) -> NDArray[np.int64]:
    return children // 1000


def ids(rows: Rows) -> set[int]:
    return set(rows.children.tolist())


def false_alarms(calibrating: Rows) -> float:
    """How often a typical drawing of a new child has p <= 5 %; groups differ in their scores."""
    random = np.random.default_rng(0)
    flagged = 0
    for _ in range(REPEATS):
        own = groups_of(calibrating.children)
        scores = 1.5 * own + random.normal(size=len(own))
        new = random.choice(len(SIZES), p=np.array(SIZES) / sum(SIZES))
        calibration = CalibrationSet(scores, calibrating.children)
        flagged += calibration.p_value(1.5 * new + random.normal()) <= LEVEL
    return flagged / REPEATS


@pytest.mark.req("D-16.2", "D-22.2")
def test_a_new_child_is_not_flagged_too_often_where_groups_differ_in_size(
    plans: list[GroupPlan], pool: GroupPlan
) -> None:
    error = math.sqrt(LEVEL * (1 - LEVEL) / REPEATS)
    rate = false_alarms(pool.model.calibration)
    assert 0.03 < rate <= LEVEL + 3 * error
    # Whoever calibrates a group, taken together as they are, would flag more.
    assert false_alarms(join([plan.model.calibration for plan in plans])) > LEVEL + 3 * error


@pytest.mark.req("D-16.2")
def test_every_group_gives_the_same_share_of_its_children(pool: GroupPlan) -> None:
    given = np.bincount(groups_of(np.array(sorted(ids(pool.model.calibration)))))
    assert given.tolist() == [10, 13, 39]


@pytest.mark.req("D-16.2")
def test_who_calibrates_a_group_and_not_the_pool_has_no_part_in_it(
    plans: list[GroupPlan], pool: GroupPlan
) -> None:
    """Fitted on, such a child could not be ranked as a new one."""
    fitting = set().union(*(ids(plan.model.fit) for plan in plans))
    calibrating = set().union(*(ids(plan.model.calibration) for plan in plans))
    assert ids(pool.model.fit) == fitting
    assert ids(pool.model.calibration) < calibrating
    assert pool.twin is not None
    known = ids(pool.twin.training) | ids(pool.twin.calibration)
    assert known <= fitting | ids(pool.model.calibration)


def test_groups_of_one_share_are_not_cut() -> None:
    groups = {number: group(number, size) for number, size in enumerate((60, 100, 40))}
    plans = list(plan_groups(groups, seed=0).values())
    pool = plan_pool(plans, seed=0)
    assert ids(pool.model.calibration) == set().union(
        *(ids(plan.model.calibration) for plan in plans)
    )


def test_a_child_of_several_groups_is_not_more_likely_to_calibrate() -> None:
    """Chosen for each group by a key of the child's own, not by chance each time."""
    shared = group(0, 40)
    young = join([shared, group(1, 20)])
    old = join([shared, group(2, 160)])
    given = total = 0
    for seed in range(40):
        plans = list(plan_groups({"young": young, "old": old}, seed=seed).values())
        chosen = ids(plan_pool(plans, seed=seed).model.calibration)
        given += len(chosen & ids(shared))
        total += len(shared)
    assert given / total == pytest.approx(0.5, abs=0.06)
