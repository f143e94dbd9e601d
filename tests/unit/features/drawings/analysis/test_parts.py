"""The p among drawings of the subject, and under the models of other ages."""

from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.analysis.outcome import ActiveModel
from deepmed.features.drawings.analysis.parts import NO_AGE_PART, Pool, age_part, subject_part
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.learning.reference import (
    Layout,
    ReferenceModel,
    Rows,
    fit_reference,
    plan_groups,
)

ENCODER = "some@fp32/1"
NEWCOMER = 999


def fitted(
    children: int, seed: int = 0, first: int = 0, layout: Layout = Layout.VISUAL
) -> ReferenceModel:
    rows = Rows(
        np.arange(first, first + children),
        np.arange(first, first + children),
        np.linspace(6.0, 8.0, children),
        np.zeros(children, np.int64),
        np.random.default_rng(seed).normal(size=(children, 4)).astype(np.float32),
    )
    plan = plan_groups({"g": rows}, seed=0)["g"]
    return fit_reference(plan, "knn", ENCODER, layout, seed=0)


@pytest.fixture(scope="module")
def model() -> ReferenceModel:
    """80 children: 40 calibrate, 40 are fitted on and calibrate the twin."""
    return fitted(80)


def pool_of(model: ReferenceModel, children: int, *, twin: bool = False) -> Pool:
    """A pool in which so many calibration drawings show a house; all others show a dog."""
    reference = model.twin if twin else model.model
    assert reference is not None
    drawn = reference.calibration_drawings.tolist()
    subjects = {
        drawing: "house" if place < children else "dog" for place, drawing in enumerate(drawn)
    }
    return Pool(model, "recipe/1", subjects)


def calibrating(model: ReferenceModel, place: int, *, twin: bool = False) -> tuple[int, float]:
    """(child, score) of a calibration child of the model or its twin."""
    reference = model.twin if twin else model.model
    assert reference is not None
    calibration = reference.calibration
    return int(str(calibration.children[place])), float(calibration.scores[place])


def part(pool: Pool | None, child: int, score: float = 2.0, subject: str | None = "house") -> Any:
    return subject_part(pool, subject, child, {False: score, True: score})


class TestSubjectPart:
    @pytest.mark.req("D-16.2")
    def test_a_new_child_is_ranked_among_the_subjects_calibration_children(
        self, model: ReferenceModel
    ) -> None:
        scores = model.model.calibration.scores[:25]
        score = float(np.sort(scores)[20])
        found = part(pool_of(model, 25), NEWCOMER, score)
        assert found["p_value"] == pytest.approx((1 + (scores >= score).sum()) / 26)
        assert (found["children"], found["reason"], found["subject"]) == (25, None, "house")

    @pytest.mark.req("D-16.2")
    @pytest.mark.parametrize(("children", "answered"), [(18, False), (19, True)])
    def test_a_new_child_needs_nineteen_others(
        self,
        model: ReferenceModel,
        children: int,
        answered: bool,  # noqa: FBT001 - a table's column
    ) -> None:
        found = part(pool_of(model, children), NEWCOMER)
        assert (found["p_value"] is not None) is answered
        if not answered:
            assert found["reason"] == "18 other children with this subject calibrate, 19 are needed"

    @pytest.mark.req("D-16.2", "D-26.2")
    @pytest.mark.parametrize(("children", "answered"), [(19, False), (20, True)])
    def test_a_calibration_child_needs_nineteen_others_beside_itself(
        self,
        model: ReferenceModel,
        children: int,
        answered: bool,  # noqa: FBT001 - a table's column
    ) -> None:
        child, score = calibrating(model, 3)
        found = part(pool_of(model, children), child, score)
        assert (found["p_value"] is not None) is answered
        if answered:
            others = np.delete(model.model.calibration.scores[:children], 3)
            assert found["p_value"] == pytest.approx((1 + (others >= score).sum()) / 20)
            assert found["children"] == 19

    @pytest.mark.req("D-16.2")
    def test_a_calibration_child_who_drew_another_subject_is_not_in_the_cell(
        self, model: ReferenceModel
    ) -> None:
        child, score = calibrating(model, 30)
        assert part(pool_of(model, 19), child, score)["children"] == 19

    @pytest.mark.req("D-16.2", "D-26.3")
    def test_a_fitted_child_is_ranked_by_the_pooled_twin(self, model: ReferenceModel) -> None:
        child, score = calibrating(model, 0, twin=True)
        assert child in model.fit_children
        assert model.twin is not None
        others = model.twin.calibration.scores[1:24]
        found = subject_part(
            pool_of(model, 24, twin=True), "house", child, {False: 1e9, True: score}
        )
        assert found["p_value"] == pytest.approx((1 + (others >= score).sum()) / 24)

    @pytest.mark.req("D-16.2", "D-26.3")
    def test_a_fitted_child_without_a_twin_gets_none(self, model: ReferenceModel) -> None:
        alone = ReferenceModel(
            model.encoder,
            model.layout,
            model.dimension,
            model.model,
            None,
            model.fit_children,
            model.borrowed_children,
        )
        found = part(pool_of(alone, 30), min(model.fit_children))
        assert found["p_value"] is None
        assert "has no twin" in found["reason"]

    @pytest.mark.req("D-16.2")
    def test_without_a_subject_or_a_pool_the_reason_is_told(self, model: ReferenceModel) -> None:
        unnamed = part(pool_of(model, 30), NEWCOMER, subject=None)
        assert (unnamed["p_value"], unnamed["reason"]) == (None, "the drawing has no subject")
        nowhere = part(None, NEWCOMER)
        assert nowhere["reason"] == "no model over all groups is active"

    def test_a_corrected_subject_changes_the_fingerprint_of_both_subjects(
        self, model: ReferenceModel
    ) -> None:
        before, after = pool_of(model, 20), pool_of(model, 21)
        for subject in ("house", "dog"):
            assert before.fingerprint(subject) != after.fingerprint(subject)
        assert before.fingerprint("cat") == after.fingerprint("cat")


def active(
    model: ReferenceModel, number: int, ages: AgeRange, *, apart: bool = True
) -> ActiveModel:
    row = AgeGroupModel(id=number, kind="group", parameters={"tells_ages_apart": apart})
    return ActiveModel(row, ages, model)


class TestAgePart:
    @pytest.mark.req("D-16.2")
    def test_it_lists_the_p_under_each_groups_model(self, model: ReferenceModel) -> None:
        other = fitted(60, seed=1, first=500)
        found = age_part(
            [active(model, 1, AgeRange(3, 6)), active(other, 2, AgeRange(6, 9))],
            NEWCOMER,
            {1: 1.5, 2: 2.5},
        )
        assert found["statement"] is None
        for row, reference, score in zip(found["groups"], (model, other), (1.5, 2.5), strict=True):
            scores = reference.model.calibration.scores
            assert row["p_value"] == pytest.approx(
                (1 + (scores >= score).sum()) / (len(scores) + 1)
            )
            assert row["reason"] is None
        assert [row["age_group"] for row in found["groups"]] == ["3.0-6.0", "6.0-9.0"]

    @pytest.mark.req("D-16.2")
    def test_a_model_that_was_fitted_on_the_child_gives_none(self, model: ReferenceModel) -> None:
        child = min(model.fit_children)
        (row,) = age_part([active(model, 1, AgeRange(3, 6))], child, {1: 2.0})["groups"]
        assert row["p_value"] is None
        assert row["reason"] == "this model was fitted on the child"

    @pytest.mark.req("D-16.2")
    @pytest.mark.parametrize(("children", "new", "own"), [(28, False, False), (29, True, False)])
    def test_it_needs_nineteen_other_children(
        self,
        children: int,
        new: bool,  # noqa: FBT001 - a table's column
        own: bool,  # noqa: FBT001 - likewise
    ) -> None:
        """28 and 29 children leave 18 and 19 to calibrate."""
        few = fitted(children)
        item = active(few, 1, AgeRange(3, 6))
        child, score = calibrating(few, 0)
        (row,) = age_part([item], NEWCOMER, {1: score})["groups"]
        assert (row["p_value"] is not None) is new
        (row,) = age_part([item], child, {1: score})["groups"]
        assert (row["p_value"] is not None) is own
        assert row["reason"] == f"{children - 11} other children calibrate, 19 are needed"

    @pytest.mark.req("D-16.2", "D-26.2")
    def test_a_calibration_child_is_ranked_against_the_others(self, model: ReferenceModel) -> None:
        child, score = calibrating(model, 5)
        others = np.delete(model.model.calibration.scores, 5)
        (row,) = age_part([active(model, 1, AgeRange(3, 6))], child, {1: score})["groups"]
        assert row["p_value"] == pytest.approx((1 + (others >= score).sum()) / (len(others) + 1))

    @pytest.mark.req("D-16.2", "D-27.1")
    def test_with_the_age_as_a_column_everybody_is_ranked_at_one_age(self) -> None:
        aged = fitted(80, layout=Layout.AGE)
        calibration, across = aged.model.calibration, aged.model.across_ages
        assert not np.allclose(calibration.scores, across.scores)
        child, score = int(str(across.children[5])), float(across.scores[5])
        others = np.delete(across.scores, 5)
        (row,) = age_part([active(aged, 1, AgeRange(6, 9))], child, {1: score})["groups"]
        assert row["p_value"] == pytest.approx((1 + (others >= score).sum()) / (len(others) + 1))

    @pytest.mark.req("D-27.2")
    def test_models_that_do_not_tell_ages_apart_give_the_statement_instead(
        self, model: ReferenceModel
    ) -> None:
        items = [
            active(model, 1, AgeRange(3, 6)),
            active(model, 2, AgeRange(6, 9), apart=False),
        ]
        found = age_part(items, NEWCOMER, {1: 2.0, 2: 2.0})
        assert found == {"statement": NO_AGE_PART, "groups": []}
