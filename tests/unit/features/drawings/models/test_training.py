"""A call of training: what it refuses, what it leaves alone, what it stores and what it skips."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import func, select, update

from deepmed.core.audit import repository as audit
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.fitting import GroupFitter
from deepmed.features.drawings.models.forgetting import complete
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange, parse_groups
from deepmed.features.drawings.models.recipe import same_model
from deepmed.features.drawings.models.training import GroupTraining, TrainingRun, Use
from deepmed.features.drawings.tables import AgeGroupModel, ModelMember
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, ValidationError
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.reference import Layout, plan_pool
from factories.drawings import Sketch, add_drawings, add_vectors, by_children, embed, sketches
from factories.homes import MEASURED, QUICK, train

YOUNG = AgeRange(3, 6)


def filled(bench: Workbench, wanted: Sequence[Sketch]) -> Workbench:
    add_drawings(bench, wanted)
    embed(bench)
    return bench


def rows_of(bench: Workbench) -> list[AgeGroupModel]:
    with bench.database.read() as session:
        return repository.all_models(session, bench.owner_id)


def counts(bench: Workbench) -> tuple[int, int, int]:
    """Models, artefacts and memberships in the home."""
    with bench.database.read() as session:
        return (
            session.scalars(select(func.count(AgeGroupModel.id))).one(),
            session.scalars(select(func.count(Artifact.id))).one(),
            session.scalars(select(func.count(ModelMember.id))).one(),
        )


def active(bench: Workbench, kind: str = "group") -> list[tuple[float, float]]:
    with bench.database.read() as session:
        rows = repository.active_models(session, bench.owner_id, kind)
    return [(row.age_min, row.age_max) for row in rows]


def parts(bench: Workbench, row: AgeGroupModel) -> dict[str | None, set[int]]:
    found: dict[str | None, set[int]] = {}
    with bench.database.read() as session:
        for member in repository.members(session, row.id):
            found.setdefault(member.part, set()).add(member.drawing_id)
    return found


class TestOverlap:
    @pytest.mark.req("D-7.3")
    @pytest.mark.parametrize("plan", ["5-7", "3-6", "11-13", "2-18"])
    def test_a_range_that_overlaps_an_active_model_is_refused_by_name(
        self, trained: Workbench, plan: str
    ) -> None:
        before = counts(trained)
        with pytest.raises(ConflictError) as caught:
            train(trained, plan, QUICK.model_copy(update={"seed": 1}))
        first = next(row for row in rows_of(trained) if row.id == caught.value.details["model_id"])
        assert f"Model {first.id}" in caught.value.message
        assert "--candidate" in caught.value.message
        assert caught.value.status == 409
        assert counts(trained) == before

    @pytest.mark.req("D-7.3", "D-7.2")
    def test_the_closed_end_of_an_active_model_overlaps_a_range_that_begins_there(
        self, trained: Workbench
    ) -> None:
        with pytest.raises(ConflictError, match="9 to 12 years"):
            train(trained, "12-15")

    @pytest.mark.req("D-7.3")
    def test_a_candidate_is_trained_beside_the_active_model_and_stays_inactive(
        self, trained: Workbench
    ) -> None:
        before = active(trained)
        run = train(trained, "6-9", QUICK.model_copy(update={"seed": 1}), Use.CANDIDATE)
        assert [row.kind for row in run.models] == ["group", "pooled"]
        assert [row.is_active for row in run.models] == [False, False]
        assert active(trained) == before

    @pytest.mark.req("D-7.3")
    def test_replacing_takes_the_overlapping_models_out_of_use(self, trained: Workbench) -> None:
        run = train(trained, [AgeRange(5, 9)], use=Use.REPLACE)
        assert all(row.is_active for row in run.models)
        assert active(trained) == [(5, 9), (9, 12)]
        assert active(trained, "pooled") == [(5, 12)]
        assert len(rows_of(trained)) == 6

    @pytest.mark.req("D-7.3")
    def test_a_candidate_comes_into_use_without_being_trained_again(
        self, trained: Workbench
    ) -> None:
        other = QUICK.model_copy(update={"seed": 1})
        candidate = train(trained, [AgeRange(6, 9)], other, Use.CANDIDATE)
        run = train(trained, [AgeRange(6, 9)], other, Use.REPLACE)
        assert run.trained == []
        assert [row.id for row in run.models] == [row.id for row in candidate.models]
        assert all(row.is_active for row in run.models)
        assert len(active(trained)) == 3

    def test_groups_of_one_plan_must_not_overlap(self, bench: Workbench) -> None:
        with pytest.raises(ValidationError, match="overlap"):
            GroupTraining(bench, QUICK).train([*parse_groups("3-6"), *parse_groups("5-9")])


class TestAgain:
    @pytest.mark.req("D-8.1")
    def test_the_same_recipe_is_not_trained_twice(self, trained: Workbench) -> None:
        before = counts(trained)
        run = train(trained, config=MEASURED)
        assert run.trained == []
        assert [row.id for row in run.models] == [1, 2, 3, 4]
        assert counts(trained) == before

    @pytest.mark.req("V-6.1")
    @pytest.mark.parametrize(
        "change", [{"detector": "pca"}, {"layout": Layout.VISUAL}, {"planted_sources": 7}]
    )
    def test_another_setting_is_another_recipe(
        self, trained: Workbench, change: dict[str, object]
    ) -> None:
        config = MEASURED.model_copy(update=change)
        run = train(trained, [AgeRange(6, 9)], config, Use.CANDIDATE)
        assert len(run.trained) == 2
        assert run.models[0].parameters["layout"] == config.layout.value
        assert run.models[0].model_type == config.detector

    @pytest.mark.req("D-8.1")
    def test_a_group_left_out_of_the_first_call_is_added_by_the_next(
        self, bench: Workbench
    ) -> None:
        filled(bench, [*sketches(31, 4.5), *sketches(31, 7.5)])
        (young,) = [row for row in train(bench, [YOUNG]).models if row.kind == "group"]
        run = train(bench, [YOUNG, AgeRange(6, 9)])
        assert active(bench) == [(3, 6), (6, 9)]
        with bench.database.read() as session:  # the first model again, with a neighbour now
            made = [
                session.get_one(Artifact, row.artifact_id).lineage["recipe"]
                for row in (young, run.models[0])
            ]
        assert made[0] != made[1]
        assert same_model(*made)

    def test_a_model_that_would_come_out_the_same_is_stale_no_longer(
        self, trained: Workbench
    ) -> None:
        """A label that was set by mistake and taken back marks the models; nothing has changed."""
        with trained.database.write() as session:
            session.execute(update(AgeGroupModel).values(needs_retraining=True))
        run = train(trained, config=MEASURED)
        assert run.trained == []
        assert [row.needs_retraining for row in run.models] == [False] * 4

    def test_another_drawing_makes_another_model_of_its_group_alone(
        self, trained: Workbench
    ) -> None:
        """The other groups' models stay as they are; what they are measured against changes."""
        training = GroupTraining(trained, MEASURED)
        before = training.plan(parse_groups("3-6,6-9,9-12")).recipes
        filled(trained, [Sketch(age=4.4)])
        after = training.plan(parse_groups("3-6,6-9,9-12")).recipes
        assert not any(before[group] == after[group] for group in before)
        assert [same_model(before[group], after[group]) for group in before] == [False, True, True]


class TestPool:
    @pytest.mark.req("D-16.2")
    def test_the_pool_is_fitted_on_all_groups_fitting_parts(self, trained: Workbench) -> None:
        groups = [row for row in rows_of(trained) if row.kind == "group"]
        (pool,) = [row for row in rows_of(trained) if row.kind == "pooled"]
        fitted = set().union(*(parts(trained, row)["fit"] for row in groups))
        calibrating = set().union(*(parts(trained, row)["calibration"] for row in groups))
        found = parts(trained, pool)
        assert found["fit"] == fitted
        assert found["calibration"] < calibrating
        # 23 of 45, of 46 and of 45 children calibrate: half of each group is what all can give.
        ages = {
            drawing: row.age_min for row in groups for drawing in parts(trained, row)["calibration"]
        }
        with trained.database.read() as session:
            children = {
                (ages[m.drawing_id], m.child_id)
                for m in repository.members(session, pool.id)
                if m.part == "calibration"
            }
        assert Counter(age for age, _ in children) == {3: 22, 6: 23, 9: 22}

    @pytest.mark.req("D-16.2")
    def test_groups_trained_one_by_one_have_one_pool_over_all(self, bench: Workbench) -> None:
        filled(bench, [*sketches(31, 4.5), *sketches(31, 7.5)])
        train(bench, [YOUNG])
        run = train(bench, [AgeRange(6, 9)])
        pool = run.models[-1]
        assert active(bench, "pooled") == [(3, 9)]
        groups = [row for row in rows_of(bench) if row.kind == "group"]
        fitted = set().union(*(parts(bench, row)["fit"] for row in groups))
        assert parts(bench, pool)["fit"] == fitted

    def test_a_pool_that_cannot_be_fitted_leaves_the_groups_in_use(
        self, bench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(bench, sketches(31, 4.5))

        def too_few(*_: object) -> None:
            raise InsufficientDataError("9 drawings are left to fit on.")

        monkeypatch.setattr(GroupFitter, "fit_pool", too_few)
        run = train(bench, "3-6")
        assert active(bench) == [(3, 6)]
        assert run.skipped[0]["age_group"] == "all groups together"


class TestBorrowing:
    @pytest.mark.req("D-9.3", "V-1.1")
    def test_a_thin_group_borrows_from_an_active_models_fitting_part(
        self, trained: Workbench
    ) -> None:
        filled(trained, sketches(22, 14.0))
        run = train(trained, "13-15")
        thin = parts(trained, run.models[0])
        active_parts = [parts(trained, row) for row in rows_of(trained) if row.kind == "group"][:3]
        assert len(thin["fit"]) == 2
        assert len(thin["borrowed"]) == 8
        assert thin["borrowed"] <= set().union(*(part["fit"] for part in active_parts))
        assert not thin["borrowed"] & set().union(*(part["calibration"] for part in active_parts))

    @pytest.mark.req("D-26.1")
    def test_borrowed_drawings_are_members_of_the_model(self, bench: Workbench) -> None:
        filled(bench, [*sketches(22, 4.5), *sketches(40, 7.5)])
        thin = parts(bench, train(bench, "3-6,6-9").models[0])
        assert {name: len(drawings) for name, drawings in thin.items()} == {
            "fit": 2,
            "borrowed": 8,
            "calibration": 20,
            None: 8,  # of the other group's twin, lent to this one's
        }


class TestFiguresOfNeighbours:
    """What a model is measured against belongs to its recipe, so its figures are never stale."""

    def _bench(self, bench: Workbench) -> Workbench:
        ids = add_drawings(bench, [*sketches(60, 4.5), *sketches(60, 7.5)])
        vectors = np.random.default_rng(1).normal(size=(120, 64)).astype(np.float32)
        vectors[:60] += 3
        add_vectors(bench, ids, vectors)
        return bench

    @pytest.mark.req("D-27.1")
    def test_a_new_neighbour_has_a_model_measured_anew(self, bench: Workbench) -> None:
        config = QUICK.model_copy(update={"layout": Layout.VISUAL})
        alone = train(self._bench(bench), "6-9", config)
        assert alone.models[0].parameters["tells_ages_apart"] is False
        run = train(bench, "3-6,6-9", config, Use.REPLACE)
        old = run.models[1]
        assert old.id in run.trained
        assert old.parameters["tells_ages_apart"] is True
        assert train(bench, "3-6,6-9", config, Use.REPLACE).trained == []

    @pytest.mark.req("D-27.1", "D-30.2")
    def test_a_neighbours_deletion_has_a_model_measured_anew(self, bench: Workbench) -> None:
        config = QUICK.model_copy(update={"layout": Layout.VISUAL})
        first = train(self._bench(bench), "3-6,6-9", config)
        gone = min(parts(bench, first.models[0])["calibration"])
        DrawingCatalogue(bench.database, bench.storage, bench.owner_id).delete_drawing(gone)
        complete(bench)
        with bench.database.read() as session:
            manager = ModelManager(bench)
            old = manager.get_model_info(session, manager.get(session, first.models[1].id))
        assert old["metrics"]["age_specificity"]["estimate"] is None
        assert old["metrics"]["tells_ages_apart"] is False
        assert old["parameters"]["tells_ages_apart"] is False
        run = train(bench, "3-6,6-9", config, Use.REPLACE)
        assert run.models[1].id in run.trained
        assert run.models[1].parameters["tells_ages_apart"] is True


class TestMovedAges:
    """A drawing whose age was corrected belongs to the group of its present age alone."""

    @pytest.mark.req("D-16.2", "D-9.1")
    def test_it_enters_the_pool_once(self, bench: Workbench) -> None:
        filled(bench, [*sketches(60, 4.5), *sketches(60, 7.5)])
        moved = self._move(bench, train(bench, [YOUNG]), 7.0)
        plan = GroupTraining(bench, QUICK).plan(parse_groups("6-9"))
        (standing,) = plan.standing
        own = set(plan.eligible.of(AgeRange(6, 9, upper_closed=True)).drawings.tolist())
        lent = {*standing.lenders.fit.drawings, *standing.lenders.twin_fit.drawings}
        assert moved <= own
        assert not lent & moved
        pool = plan_pool([standing.plan, *plan.plans.values()], seed=0).model
        drawings = [*pool.fit.drawings, *pool.calibration.drawings]
        assert len(drawings) == len(set(drawings))

    def test_two_active_models_do_not_both_give_it_to_the_pool(self, bench: Workbench) -> None:
        filled(bench, [*sketches(60, 4.5), *sketches(60, 7.5), *sketches(30, 10.5)])
        moved = self._move(bench, train(bench, [YOUNG]), 7.0)
        train(bench, [AgeRange(6, 9)])
        plan = GroupTraining(bench, QUICK).plan(parse_groups("9-12"))
        young, old = (
            {*one.plan.model.fit.drawings, *one.plan.model.calibration.drawings}
            for one in plan.standing
        )
        assert not young & moved
        assert moved <= old

    def _move(self, bench: Workbench, run: TrainingRun, age: float) -> set[int]:
        by_part = parts(bench, run.models[0])
        moved = {*sorted(by_part["fit"])[:4], *sorted(by_part["calibration"])[:4]}
        catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
        for drawing in moved:
            catalogue.edit(drawing, {"age_years": age})
        return moved


class TestSizes:
    @pytest.mark.parametrize("count", [1, 9])
    def test_fewer_than_ten_drawings_train_nothing_and_the_reason_is_told(
        self, bench: Workbench, count: int
    ) -> None:
        run = train(filled(bench, sketches(count)), "6-9")
        assert run.models == []
        assert run.skipped == [
            {
                "age_group": "6.0-9.0",
                "reason": f"{count} drawings of this age may train, and 10 are the least. Nothing "
                "was trained. Add drawings of this age or merge it with a neighbour.",
            }
        ]
        assert counts(bench) == (0, 0, 0)

    @pytest.mark.req("D-9.7")
    @pytest.mark.parametrize(
        ("children", "calibrate", "highest"),
        [(10, 0, None), (15, 5, 100 * 5 / 6), (20, 10, 100 * 10 / 11), (21, 11, 100 * 11 / 12)],
    )
    def test_a_small_group_is_trained_and_says_what_it_supports(
        self, bench: Workbench, children: int, calibrate: int, highest: float | None
    ) -> None:
        run = train(filled(bench, sketches(children)), "6-9")
        metrics = _metrics(bench, run)
        assert run.models[0].is_active
        assert metrics["children"] == {"fit": 10, "borrowed": 0, "calibration": calibrate}
        assert metrics["supported"] is False
        assert metrics["threshold"] is metrics["attained_level"] is None
        assert metrics["highest_percentile"] == (
            None if highest is None else pytest.approx(highest, abs=1e-8)
        )

    @pytest.mark.req("D-9.6")
    def test_the_attained_level_is_stored(self, bench: Workbench) -> None:
        metrics = _metrics(bench, train(filled(bench, sketches(30)), "6-9"))
        assert metrics["supported"] is True
        assert metrics["children"]["calibration"] == 20
        assert metrics["attained_level"] == 1 / 21

    def test_many_drawings_of_few_children_fit_and_nobody_calibrates(
        self, bench: Workbench
    ) -> None:
        run = train(filled(bench, by_children(sketches(20), each=4)), "6-9")
        metrics = _metrics(bench, run)
        assert metrics["children"] == {"fit": 5, "borrowed": 0, "calibration": 0}
        assert metrics["drawings"]["fit"] == 20

    @pytest.mark.req("D-9.1")
    def test_several_drawings_of_a_child_are_all_in_one_part(self, bench: Workbench) -> None:
        run = train(filled(bench, by_children(sketches(90), each=3)), "6-9")
        with bench.database.read() as session:
            members = repository.members(session, run.models[0].id)
        by_child: dict[int, set[str | None]] = {}
        for member in members:
            by_child.setdefault(member.child_id, set()).add(member.part)
        assert len(by_child) == 30
        assert all(len(found) == 1 for found in by_child.values())
        assert sum(found == {"calibration"} for found in by_child.values()) == 20

    @pytest.mark.parametrize(
        "wanted", [[], sketches(30, withdrawn=True)], ids=["none", "withdrawn"]
    )
    def test_a_home_without_drawings_that_may_train_trains_nothing(
        self, bench: Workbench, wanted: list[Sketch]
    ) -> None:
        run = train(filled(bench, wanted))
        assert run.models == []
        assert [one["age_group"] for one in run.skipped] == ["3.0-6.0", "6.0-9.0", "9.0-12.0"]
        assert run.to_dict()["models"] == []

    def test_one_group_without_drawings_does_not_hinder_the_others(self, bench: Workbench) -> None:
        run = train(filled(bench, sketches(25, 7.5)))
        assert [one["age_group"] for one in run.skipped] == ["3.0-6.0", "9.0-12.0"]
        assert active(bench) == [(6, 9)]


def test_training_and_coming_into_use_are_on_the_audit_trail(trained: Workbench) -> None:
    with trained.database.read() as session:
        events = audit.history(session, trained.owner_id)
    done = [(event.action, event.object_id) for event in reversed(events)]
    for action in ("model.train", "model.activate"):
        assert [number for one, number in done if one == action] == ["1", "2", "3", "4"]
    details = next(event.details for event in events if event.action == "model.train")
    assert details["kind"] == "pooled"
    assert details["age_group"] == "3.0-12.0"


def test_each_stage_of_each_group_and_of_the_pool_is_told_as_a_step(bench: Workbench) -> None:
    filled(bench, sketches(12))
    told: list[tuple[str, int, int]] = []
    GroupTraining(bench, QUICK).train(
        parse_groups("6-9"), progress=lambda stage, done, total: told.append((stage, done, total))
    )
    group = ("planting", "selection", "fitting", "evaluation")
    names = [f"6 to 9 years: {stage}" for stage in group]
    names += [f"all groups together: {stage}" for stage in group[:3]]
    assert told == [(name, step, 7) for step, name in enumerate([*names, "training"])]


def _metrics(bench: Workbench, run: TrainingRun) -> dict[str, object]:
    with bench.database.read() as session:
        return session.get_one(Artifact, run.models[0].artifact_id).metrics
