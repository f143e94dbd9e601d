"""What a batch could select at best, told before anything of it is scored."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.analysis import outlook as outlooks
from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.scoring import Scene
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AgeGroupModel, Drawing
from deepmed.features.drawings.thresholds.manager import Rule
from deepmed.learning.reference import Layout, ReferenceModel, Rows, fit_reference, plan_groups

ENCODER = "some@fp32/1"


def fitted(children: int, first: int = 0) -> ReferenceModel:
    rows = Rows(
        np.arange(first, first + children),
        np.arange(first, first + children),
        np.full(children, 7.0),
        np.zeros(children, np.int64),
        np.random.default_rng(0).normal(size=(children, 4)).astype(np.float32),
    )
    return fit_reference(
        plan_groups({"g": rows}, seed=0)["g"], "knn", ENCODER, Layout.VISUAL, seed=0
    )


def scene(children: int) -> Scene:
    """One active model for 6 to 9 years."""
    row = AgeGroupModel(id=1, kind="group", parameters={})
    item = ActiveModel(row, AgeRange(6, 9), fitted(children))
    return Scene([item], {1: Rule(0, 95.0, None)}, None, ENCODER, {1: "recipe"})


def outlook(scene: Scene, batch: list[Drawing], percentile: float) -> dict[str, Any]:
    """With every drawing embedded."""
    return outlooks.outlook(scene, batch, percentile, {one.id for one in batch})


def drawings(
    count: int, *, each: int = 1, age: float = 7.0, first: int = 900, blank: bool = False
) -> list[Drawing]:
    return [
        Drawing(id=place, child_id=first + place // each, age_years=age, is_blank=blank)
        for place in range(count)
    ]


@pytest.mark.req("D-10.5")
def test_with_too_few_calibration_children_it_is_said_that_none_can_be_selected() -> None:
    """11 calibrate: the least p is 1/12."""
    found = outlook(scene(21), drawings(3), 95.0)
    assert found["can_select_any"] is False
    assert found["smallest_q"] == pytest.approx(1 / 12)
    assert "no drawing could stay selected" in found["statement"]
    assert "3 new children" in found["statement"]
    assert "single flags stand" in found["statement"]


@pytest.mark.req("D-10.5")
def test_with_enough_nothing_is_said() -> None:
    found = outlook(scene(60), drawings(3), 95.0)
    assert found["can_select_any"] is True
    assert found["statement"] is None


@pytest.mark.req("D-10.5")
def test_several_drawings_of_a_child_count_against_it() -> None:
    """30 calibrate: 1/31 is within 5 %, twice that is not."""
    assert outlook(scene(60), drawings(3, each=1), 95.0)["can_select_any"]
    twice = outlook(scene(60), drawings(6, each=2), 95.0)
    assert twice["n_children"] == 3
    assert twice["smallest_q"] == pytest.approx(2 / 31)
    assert not twice["can_select_any"]


@pytest.mark.req("D-10.5")
def test_only_new_children_of_a_supported_age_count() -> None:
    item = scene(60)
    taking_part = drawings(5, first=0)
    assert {item.active[0].model.role(drawing.child_id).value for drawing in taking_part} != {"new"}
    batch = [
        *taking_part,
        *drawings(2, age=15.0),
        *drawings(2, first=950, blank=True),
        *drawings(1, first=970),
    ]
    assert outlook(item, batch, 95.0)["n_children"] == 1
    assert outlook(item, taking_part, 95.0)["smallest_q"] is None
    assert outlook(item, taking_part, 95.0)["statement"] is None


@pytest.mark.req("D-10.5")
def test_it_looks_at_the_level_that_is_asked_for() -> None:
    item = scene(60)
    assert outlook(replace(item), drawings(3), 95.0)["can_select_any"]
    assert not outlook(item, drawings(3), 99.0)["can_select_any"]


@pytest.mark.req("D-10.5")
def test_a_child_can_reach_the_smallest_p_of_any_of_its_drawings() -> None:
    """40 calibrate one model and 11 the other: the child's least p is 2 in 41, not 2 in 12."""
    many = ActiveModel(AgeGroupModel(id=1, kind="group", parameters={}), AgeRange(3, 6), fitted(80))
    few = ActiveModel(AgeGroupModel(id=2, kind="group", parameters={}), AgeRange(6, 9), fitted(21))
    both = replace(scene(21), active=[many, few])
    batch = [
        Drawing(id=1, child_id=900, age_years=5.0, is_blank=False),
        Drawing(id=2, child_id=900, age_years=7.0, is_blank=False),
    ]
    found = outlook(both, batch, 95.0)
    assert found["smallest_q"] == pytest.approx(2 / 41)
    assert found["can_select_any"]
    assert found["statement"] is None


@pytest.mark.req("D-10.5")
def test_only_drawings_that_get_a_p_as_new_ones_count_against_the_child() -> None:
    """A page without a vector, one outside all ages, and one whose model knows the child."""
    row = AgeGroupModel(id=2, kind="group", parameters={})
    other = ActiveModel(row, AgeRange(9, 12), fitted(60))
    item = scene(60)
    known = next(child for child in range(60) if other.model.role(child).value != "new")
    newcomer = ActiveModel(item.active[0].row, AgeRange(6, 9), fitted(60, first=100))
    both = replace(item, active=[newcomer, other])
    batch = [
        Drawing(id=1, child_id=known, age_years=7.0, is_blank=False),
        Drawing(id=2, child_id=known, age_years=10.0, is_blank=False),
        Drawing(id=3, child_id=known, age_years=7.0, is_blank=False),
        Drawing(id=4, child_id=known, age_years=16.0, is_blank=False),
    ]
    found = outlooks.outlook(both, batch, 95.0, {1, 2, 4})
    n = newcomer.model.model.calibration.n_children
    assert found["n_children"] == 1
    assert found["smallest_q"] == pytest.approx(1 / (n + 1))
