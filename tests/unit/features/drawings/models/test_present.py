"""Drawings keep their part in a model when they are given to another child after the training."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.models import leftovers, repository
from deepmed.features.drawings.models.forgetting import complete, outdated
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.runs.verify import recompute
from deepmed.features.drawings.tables import AgeGroupModel, AnomalyAnalysis, Drawing, ModelMember
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference import ReferenceModel, Role
from factories.drawings import add_drawings, add_vectors, sketches
from factories.homes import train

GROUP = 6.0


class Group:
    """The model of one age group, and its members by their part."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.manager = ModelManager(bench)
        self.catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)
        self.members = self._members()

    @property
    def row(self) -> AgeGroupModel:
        with self.bench.database.read() as session:
            return next(r for r in self.manager.active(session) if r.age_min == GROUP)

    def model(self) -> ReferenceModel:
        with self.bench.database.read() as session:
            return self.manager.load_model(session, self.row)

    def of(self, part: str, twin_part: str | None) -> list[ModelMember]:
        return [m for m in self.members if (m.part, m.twin_part) == (part, twin_part)]

    def give(self, members: Sequence[ModelMember], child: str) -> int:
        """Give the drawings to a child; its id."""
        for member in members:
            self.catalogue.edit(member.drawing_id, {"child_id": child})
        with self.bench.database.read() as session:
            return session.get_one(Drawing, members[0].drawing_id).child_id

    def analyse(self, drawing: int) -> AnomalyAnalysis:
        return AnalysisService(self.bench).analyze([drawing]).analyses[0]

    def _members(self) -> list[ModelMember]:
        with self.bench.database.read() as session:
            return repository.members(session, self.row.id)


@pytest.fixture
def group(trained: Workbench) -> Group:
    return Group(trained)


@pytest.fixture
def thin(bench: Workbench) -> Group:
    """Two of its children fit, beside borrowed ones; the twin is topped up with calibrators."""
    ids = add_drawings(bench, [*sketches(60, 4.5), *sketches(22, 7.5)])
    add_vectors(bench, ids, np.random.default_rng(7).normal(size=(82, 64)).astype(np.float32))
    train(bench, "3-6,6-9")
    return Group(bench)


@pytest.mark.req("D-26.3")
def test_a_fit_drawing_that_is_given_to_another_child_stays_fit(group: Group) -> None:
    member = group.of("fit", "calibration")[0]
    child = group.give([member], "kid")
    model = group.model()
    assert child in model.fit_children
    assert model.reference_for(child) is model.twin
    found = group.analyse(member.drawing_id)
    assert (found.role, found.results["ranked_by"]) == ("fit", "twin")
    assert found.results["ranking"]["own_child_left_out"]


@pytest.mark.req("D-26.1")
def test_a_borrowed_drawing_that_is_given_to_another_child_stays_fit(thin: Group) -> None:
    member = next(m for m in thin.members if m.part == "borrowed" and m.twin_part is None)
    child = thin.give([member], "kid")
    model = thin.model()
    assert child in model.fit_children & model.borrowed_children
    assert model.reference_for(child) is None


@pytest.mark.req("D-26.2")
def test_calibration_children_that_become_one_are_left_out_as_one(group: Group) -> None:
    before = group.model().model.calibration
    members = group.of("calibration", "fit")[:3]
    child = group.give(members, "kid")
    model = group.model()
    assert model.role(child) is Role.CALIBRATION
    assert len(model.model.calibration) == len(before)
    assert model.model.calibration.n_children == before.n_children - 2
    found = group.analyse(members[0].drawing_id)
    assert found.results["ranking"]["n_children"] == before.n_children - 3


@pytest.mark.req("D-26.3")
def test_a_child_of_both_parts_is_fitted_on_and_ranks_nobody(group: Group) -> None:
    before = group.model()
    fit, calibration = group.of("fit", "calibration")[0], group.of("calibration", "fit")[0]
    child = group.give([fit, calibration], "kid")
    model = group.model()
    assert model.role(child) is Role.FIT
    assert model.model.calibration.n_children == before.model.calibration.n_children - 1
    assert child not in model.twin.children, "the twin was fitted on the other drawing"
    for member in (fit, calibration):
        assert group.analyse(member.drawing_id).decision == "in_sample"


def test_the_twin_still_ranks_a_child_whom_it_never_saw(thin: Group) -> None:
    fit, topped_up = thin.of("fit", "calibration")[0], thin.of("calibration", "calibration")[0]
    child = thin.give([fit, topped_up], "kid")
    model = thin.model()
    assert model.role(child) is Role.FIT
    assert model.reference_for(child) is model.twin


@pytest.mark.req("D-26.3")
def test_whose_fit_drawing_was_deleted_stays_fit(group: Group) -> None:
    """The detector knows the child, though no row tells so any more."""
    alone = Counter(member.child_id for member in group.members)
    member = next(m for m in group.of("fit", "calibration") if alone[m.child_id] == 1)
    with group.bench.database.write() as session:
        other = session.query(Drawing).filter_by(expert_label="concern").one()
        other.child_id = member.child_id
    group.catalogue.delete_drawing(member.drawing_id)
    assert group.model().role(member.child_id) is Role.FIT
    complete(group.bench)
    assert group.analyse(other.id).decision == "in_sample"


@pytest.mark.req("D-30.2")
def test_a_revision_names_every_drawing_at_its_present_child(group: Group) -> None:
    fit, calibration = group.of("fit", "calibration")[0], group.of("calibration", "fit")[0]
    child = group.give([fit, calibration], "kid")
    loaded = group.model()
    assert group.row.id in complete(group.bench).revised
    revised = group.model()
    assert revised.fit_children == loaded.fit_children
    assert revised.model.calibration.children == loaded.model.calibration.children
    assert revised.twin.calibration.children == loaded.twin.calibration.children
    with group.bench.database.read() as session:
        info = group.manager.get_model_info(session, group.row)
    package = group.bench.registry.package(info["artifact"])
    manifest = package.manifest
    checks = recompute(package.files, manifest.metrics, manifest.lineage["recipe"])
    assert not [check for check in checks if not check.agrees]
    assert child not in revised.model.children
    assert complete(group.bench).revised == []


def test_a_model_whose_drawings_moved_while_it_was_trained_is_not_kept(group: Group) -> None:
    row = group.row
    with group.bench.database.read() as session:
        info = group.manager.get_model_info(session, row)
    files = group.bench.registry.package(info["artifact"]).files
    members = [{"drawing_id": one.drawing_id, "child_id": one.child_id} for one in group.members]
    with group.bench.database.read() as session:
        assert leftovers.is_whole(session, row.artifact_id, files, members)
        assert not outdated(session, files)
    group.give(group.of("calibration", "fit")[:1], "kid")
    with group.bench.database.read() as session:
        assert not leftovers.is_whole(session, row.artifact_id, files, members)
        assert outdated(session, files)
