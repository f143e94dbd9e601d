"""The same recipe has the same hash, and whatever decides a model changes it."""

from dataclasses import replace

import numpy as np
import pytest

from deepmed.features.drawings.models.recipe import data_hash, recipe, recipe_hash
from deepmed.features.drawings.models.surroundings import Surroundings
from deepmed.learning.reference import GroupPlan, Rows, plan_groups

CONTENT = {"kind": "group", "config": {"seed": 0}, "encoder": "edges@fp32/1"}


def planned(count: int = 40, age: float = 7.0) -> GroupPlan:
    rows = Rows(
        np.arange(count),
        np.arange(count) + 100,
        np.full(count, age),
        np.zeros(count, np.int64),
        np.zeros((count, 2), np.float32),
    )
    return plan_groups({"g": rows}, seed=0)["g"]


def hashes(count: int = 40) -> dict[int, str]:
    return {drawing: f"hash of {drawing}" for drawing in range(count)}


def digest(
    content: dict[str, object],
    plan: GroupPlan,
    vectors: dict[int, str],
    around: Surroundings | None = None,
) -> str:
    return recipe_hash(recipe(content, plan, vectors, around))


def around(neighbours: Rows, fit: Rows, calibration: Rows) -> Surroundings:
    return Surroundings(neighbours, {"fit": fit, "calibration": calibration})


@pytest.mark.req("P-13.1")
def test_the_same_drawings_and_settings_have_the_same_recipe() -> None:
    assert digest(CONTENT, planned(), hashes()) == digest(CONTENT, planned(), hashes())


def test_a_stored_recipe_keeps_its_hash() -> None:
    plan = planned()
    half = plan.model
    stored = "f0158f36194be877d82a5401e2f3116a27d6d8e49dd831d89615f2e05afecf58"
    surroundings = around(half.calibration, half.fit, half.calibration)
    assert digest(CONTENT, plan, hashes(), surroundings) == stored


@pytest.mark.req("V-6.1")
@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "edges@bf16/1"},
        {"config": {"seed": 1}},
        {"kind": "pooled"},
        {"bounds": [6.0, 9.0, True]},
    ],
)
def test_each_setting_changes_the_recipe(change: dict[str, object]) -> None:
    before = digest(CONTENT, planned(), hashes())
    assert digest(CONTENT | change, planned(), hashes()) != before


@pytest.mark.req("D-8.3")
def test_a_vector_an_age_a_child_and_a_drawing_each_change_the_data_hash() -> None:
    plan, vectors = planned(), hashes()
    found = {
        data_hash(plan, vectors),
        data_hash(plan, vectors | {3: "another vector"}),
        data_hash(planned(age=7.5), vectors),
        data_hash(planned(39), vectors),
        data_hash(_with_children_of(plan, 1), vectors),
    }
    assert len(found) == 5


@pytest.mark.req("V-6.1", "D-27.1")
def test_whatever_the_model_is_measured_against_changes_its_recipe() -> None:
    plan, vectors = planned(), hashes()
    rows = plan.model.calibration
    some, fewer = rows.take(np.arange(9)), rows.take(np.arange(8))
    found = {
        digest(CONTENT, plan, vectors),
        digest(CONTENT, plan, vectors, around(some, some, some)),
        digest(CONTENT, plan, vectors, around(fewer, some, some)),
        digest(CONTENT, plan, vectors, around(some, fewer, some)),
        digest(CONTENT, plan, vectors, around(some, some, fewer)),
        digest(
            CONTENT, plan, vectors, around(some, some, replace(some, children=some.children + 99))
        ),
    }
    assert len(found) == 6
    other = vectors | {int(some.drawings[0]): "another vector"}
    against = [
        recipe(CONTENT, plan, which, around(some, fewer, fewer))["measured_against"]
        for which in (vectors, other)
    ]
    assert against[0]["neighbours"] != against[1]["neighbours"]


@pytest.mark.req("D-8.3")
def test_the_data_hash_does_not_depend_on_who_took_which_part() -> None:
    plan = planned()
    turned = GroupPlan(
        replace(plan.model, fit=plan.model.calibration, calibration=plan.model.fit), plan.twin
    )
    assert data_hash(plan, hashes()) == data_hash(turned, hashes())
    assert digest(CONTENT, plan, hashes()) != digest(CONTENT, turned, hashes())


def _with_children_of(plan: GroupPlan, offset: int) -> GroupPlan:
    rows = plan.model.fit
    moved = replace(rows, children=rows.children + 1000 * offset)
    return GroupPlan(replace(plan.model, fit=moved), plan.twin)
