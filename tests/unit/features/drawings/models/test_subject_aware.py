"""Models that look at the subject, beside those of the same ages that do not."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.analysis.scoring import Scene, analyse
from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.age_groups import AgeGroupManager
from deepmed.features.drawings.models.kinds import GROUP, SUBJECT_AWARE, plan_in_use
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.training import Use
from deepmed.features.drawings.models.use import ModelUse
from deepmed.features.drawings.subjects import subject_index
from deepmed.features.drawings.tables import Drawing
from deepmed.features.drawings.thresholds.manager import ThresholdManager
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError
from deepmed.learning.reference import Layout, Role, Rows
from factories.drawings import Sketch, add_drawings, embed, sketches
from factories.homes import QUICK, open_bench, train

AWARE = QUICK.model_copy(update={"layout": Layout.SUBJECT})
YOUNG, OLD = AgeRange(3, 6), AgeRange(6, 9)
THIN = 22
"""Given subjects in the young group: its aware model has too few of its own to fit on."""


def drawn() -> list[Sketch]:
    return [
        *sketches(THIN, 4.5, subject="house"),
        *sketches(18, 4.5, subject=None),
        *sketches(24, 7.5, subject="house"),
        *sketches(24, 7.5, subject="person"),
        *sketches(6, 7.5, subject="a dragon"),
        *sketches(6, 7.5, subject="unspecified"),
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """Models of both kinds for the same ages; tests only read it."""
    bench = open_bench(tmp_path_factory.mktemp("home"))
    add_drawings(bench, drawn())
    embed(bench)
    train(bench, [YOUNG, OLD])
    train(bench, [YOUNG, OLD], AWARE)
    # Strangers to every model, who came later.
    add_drawings(bench, [*sketches(8, 7.5, subject="house"), *sketches(4, 7.4, subject=None)])
    embed(bench)
    yield bench
    bench.database.close()


def staged(bench: Workbench) -> tuple[Scene, list[Drawing]]:
    with bench.database.read() as session:
        service = AnalysisService(bench)
        drawings = analyses.drawings(session, bench.owner_id, None)
        scene = service.scene(session, [one.id for one in drawings])
        service._load_vectors(session, scene, drawings)
    return scene, drawings


@pytest.mark.req("D-16.3")
def test_both_kinds_are_in_use_for_the_same_ages(both: Workbench) -> None:
    with both.database.read() as session:
        rows = ModelManager(both).active(session)
        assert [(row.kind, row.age_min) for row in rows] == [
            (GROUP, 3.0),
            (SUBJECT_AWARE, 3.0),
            (GROUP, 6.0),
            (SUBJECT_AWARE, 6.0),
        ]
        assert plan_in_use(rows) == [YOUNG, OLD]
        coverage = AgeGroupManager(both).get_age_group_coverage(session)
        assert coverage["age_ranges"] == [[3.0, 6.0], [6.0, 9.0]]
        pooled = ModelManager(both).pooled(session)
        assert pooled is not None
        assert pooled.parameters["layout"] == "visual+age"


@pytest.mark.req("D-8.1", "D-16.3")
def test_raw_scores_are_those_of_the_model_that_answers(both: Workbench) -> None:
    manager, encoder = ModelManager(both), both.encoding.identity.key
    with both.database.read() as session:
        young, young_aware, _, old_aware = (row.id for row in manager.active(session))
        drawings = analyses.drawings(session, both.owner_id, None)
        ages = np.array([4.5, 7.5, 4.5, 15.0])
        subjects = np.array([subject_index(each) for each in ("house", "person", None, "house")])
        ids = [one.id for one in drawings][: len(ages)]
        vectors, known = both.embeddings.retrieve_matrix(session, ids, encoder)
        rows = Rows(known, known, ages, subjects, vectors)
        found = manager.compute_anomaly_score(session, rows, encoder)
        for place, model in enumerate((young_aware, old_aware, young)):
            one = rows.take(np.array([place]))
            [own] = manager.compute_reconstruction_loss(session, one, encoder, model)
            assert found[place] == pytest.approx(own, rel=1e-9)
        assert found[3] is None, "no model covers the age"
        part = rows.take(np.array([0]))
        aware = manager.compute_subject_aware_reconstruction_loss(
            session, part, encoder, young_aware
        )
        assert aware == [pytest.approx(found[0], rel=1e-9)]
        with pytest.raises(ConflictError, match="looks at no subject"):
            manager.compute_subject_aware_reconstruction_loss(session, part, encoder, young)


@pytest.mark.req("D-8.1", "D-16.3")
def test_one_that_looks_at_the_subject_is_trained_here_and_now(bench: Workbench) -> None:
    manager = ModelManager(bench)
    add_drawings(bench, [*sketches(30, 7.5, subject="house"), *sketches(5, 7.5, subject=None)])
    embed(bench)
    row = manager.train_subject_aware_age_group_model(6, 9, QUICK)
    assert (row.kind, row.parameters["layout"], row.is_active) == (
        SUBJECT_AWARE,
        "visual+subject",
        True,
    )
    assert row.sample_count == 30
    with pytest.raises(ConflictError):
        manager.train_subject_aware_age_group_model(6, 9, QUICK.model_copy(update={"seed": 9}))
    beside = manager.train_age_group_model(6, 9, QUICK)
    assert (beside.kind, beside.is_active) == (GROUP, True)


@pytest.mark.req("D-16.3", "D-23.1")
def test_who_answers_depends_on_the_age_and_whether_the_subject_is_given(both: Workbench) -> None:
    scene, drawings = staged(both)
    found = dict(zip(drawings, analyse(scene, drawings), strict=True))
    kinds = {item.row.id: item.row.kind for item in scene.active}
    for drawing, outcome in found.items():
        given = drawing.subject in {"house", "person"}
        assert outcome.model_id is not None
        assert kinds[outcome.model_id] == (SUBJECT_AWARE if given else GROUP)
        assert outcome.results["layout"] == ("visual+subject" if given else "visual+age")
    with both.database.read() as session:
        manager = AgeGroupManager(both)
        for subject, kind in (("house", SUBJECT_AWARE), (None, GROUP), ("a dragon", GROUP)):
            row = manager.find_appropriate_model(session, 7.0, subject)
            assert row is not None
            assert row.kind == kind
            threshold = ThresholdManager(both, ModelManager(both))
            own = threshold.statistics(session, row)["threshold"]
            assert threshold.get_threshold_for_age(session, 7.0, subject) == own


@pytest.mark.req("D-9.2", "D-26.1")
def test_only_drawings_whose_subject_is_given_fit_and_calibrate(both: Workbench) -> None:
    """Those that the model will rank: so a new one is exchangeable with whom it is ranked among."""
    with both.database.read() as session:
        subjects = {one.id: one.subject for one in analyses.drawings(session, both.owner_id, None)}
        for row in repository.active_models(session, both.owner_id, SUBJECT_AWARE):
            members = repository.members(session, row.id)
            assert members
            assert {subjects[member.drawing_id] for member in members} <= {"house", "person"}
            metrics = session.get_one(Artifact, row.artifact_id).metrics
            reasons = {one["reason"]: one["count"] for one in metrics["left_out"]}
            assert reasons["no_subject"] == (18 if row.age_min == 3 else 12)


@pytest.mark.req("D-26.1", "D-26.2", "D-26.3")
def test_roles_are_those_of_the_model_that_answers(both: Workbench) -> None:
    scene, drawings = staged(both)
    aware = {item.row.id: item for item in scene.active if item.row.kind == SUBJECT_AWARE}
    seen = set()
    for drawing, outcome in zip(drawings, analyse(scene, drawings), strict=True):
        item = aware.get(outcome.model_id or 0)
        if item is None or outcome.ranking is None:
            continue
        role = item.model.role(drawing.child_id)
        seen.add(role)
        assert outcome.role is role
        n = item.model.model.calibration.n_children
        if role is Role.NEW:
            assert outcome.ranking.n_children == n
        elif role is Role.CALIBRATION:
            assert outcome.ranking.n_children == n - 1
        elif item.model.twin is None or drawing.child_id not in item.model.twin.children:
            assert outcome.decision == "in_sample"
        else:
            assert outcome.results["ranked_by"] == "twin"
            assert outcome.ranking.n_children == item.model.twin.calibration.n_children - 1
    assert seen == set(Role)


@pytest.mark.req("D-9.3", "D-26.1")
def test_a_thin_group_borrows_from_the_fitting_parts_of_its_own_kind(both: Workbench) -> None:
    scene, _ = staged(both)
    young, old = [item.model for item in scene.active if item.row.kind == SUBJECT_AWARE]
    assert young.borrowed_children
    assert young.borrowed_children <= old.fit_children
    assert not young.borrowed_children & old.model.children
    child = min(young.borrowed_children)
    assert young.role(child) is Role.FIT


@pytest.mark.req("D-9.5")
def test_the_model_is_calibrated_on_scores_with_the_subjects_columns(both: Workbench) -> None:
    scene, drawings = staged(both)
    by_id = {one.id: one for one in drawings}
    item = next(one for one in scene.active if one.row.kind == SUBJECT_AWARE and one.ages == OLD)
    calibrating = item.model.model.calibration_drawings.tolist()
    slots = np.eye(64)[[subject_index(by_id[one].subject) for one in calibrating]]
    vectors = np.stack([scene.vectors[one] for one in calibrating]).astype(np.float64)
    scores = item.model.model.detector.score_samples(np.hstack([vectors, slots]))
    assert scores == pytest.approx(item.model.model.calibration.scores, rel=1e-9)


@pytest.mark.req("D-16.2")
def test_other_ages_are_asked_of_models_that_look_at_the_same(both: Workbench) -> None:
    scene, drawings = staged(both)
    for outcome in analyse(scene, drawings):
        part = outcome.results["age_part"]
        assert len(part["groups"]) in {0, 2}
        assert part["groups"] or part["statement"]


@pytest.mark.req("D-16.3")
def test_the_artefact_states_the_layout_and_the_scale_of_the_subject(both: Workbench) -> None:
    with both.database.read() as session:
        [row, *_] = repository.active_models(session, both.owner_id, SUBJECT_AWARE)
        package = both.registry.package(session.get_one(Artifact, row.artifact_id).uid)
    header = json.loads(package.files["reference.json"])
    record = json.loads(package.files["model.detector.json"])
    assert header["layout"] == "visual+subject"
    assert record["slots"] == 64
    assert record["features"] == header["dimension"] + 64
    assert header["subject_columns"]["slots"] == 64
    assert header["subject_columns"]["value"] == pytest.approx(_value(both, row.id))
    assert "64/768" in header["subject_columns"]["rule"]


def _value(bench: Workbench, model_id: int) -> float:
    """What the 1 of the subject is in standardised units, from the fitting drawings themselves."""
    with bench.database.read() as session:
        fitted = [
            member.drawing_id
            for member in repository.members(session, model_id)
            if member.part in {"fit", "borrowed"}
        ]
        matrix, _ = bench.embeddings.retrieve_matrix(session, fitted, bench.encoding.identity.key)
    deviation = matrix.astype(np.float64).std(axis=0)
    floor = 0.1 * np.median(deviation[deviation > 1e-7 * np.abs(matrix.mean(axis=0))])
    variance = np.sum((deviation / np.maximum(deviation, floor)) ** 2)
    return float(np.sqrt(variance / 12))


@pytest.mark.req("D-7.3")
def test_one_kind_replaces_only_its_own(bench: Workbench) -> None:
    add_drawings(bench, sketches(30, 7.5))
    embed(bench)
    first = train(bench, [OLD])
    aware = train(bench, [OLD], AWARE)
    with pytest.raises(ConflictError, match=f"Model {aware.models[0].id} .* is active"):
        train(bench, [OLD], AWARE.model_copy(update={"seed": 1}))
    train(bench, [OLD], AWARE.model_copy(update={"seed": 1}), Use.REPLACE)
    with bench.database.write() as session:
        active = {row.id for row in ModelManager(bench).active(session)}
        assert first.models[0].id in active
        assert aware.models[0].id not in active
        assert len(active) == 2
        ModelUse(bench, ModelManager(bench)).deactivate(session, first.models[0].id)
    add_drawings(bench, [Sketch(age=7.0, subject=None)])
    embed(bench)
    scene, drawings = staged(bench)
    *known, unnamed = analyse(scene, drawings)
    assert {outcome.decision for outcome in known} <= {"ranked", "not_supported", "in_sample"}
    assert unnamed.decision == "no_model"
    assert unnamed.reason is not None
    assert "Name its subject" in unnamed.reason


def test_where_nobody_trained_one_the_default_answers_for_every_subject(bench: Workbench) -> None:
    add_drawings(bench, [*sketches(30, 7.5), *sketches(5, 7.5, subject=None)])
    embed(bench)
    candidate = train(bench, [OLD], AWARE, Use.CANDIDATE)
    train(bench, [OLD])
    scene, drawings = staged(bench)
    [item] = scene.active
    assert item.row.id != candidate.models[0].id
    assert {one.model_id for one in analyse(scene, drawings)} == {item.row.id}
