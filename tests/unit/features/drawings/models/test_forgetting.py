"""A deletion reaches the signed files of every model that names the drawings (D-30)."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.models.figure_keys import figure_key
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.forgetting import LIMIT, complete
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.runs.verify import recompute
from deepmed.features.drawings.tables import AgeGroupModel, Drawing, ModelMember
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference import ReferenceModel
from deepmed.learning.reference.files import HEADER


class Models:
    """The trained models, their files and who is in them."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.manager = ModelManager(bench)
        self.catalogue = DrawingCatalogue(bench.database, bench.storage, bench.owner_id)

    def all(self) -> dict[str, dict[str, Any]]:
        """By age group; the pooled one is `pooled`."""
        with self.bench.database.read() as session:
            infos = self.manager.list_models(session)
        return {"pooled" if info["kind"] == "pooled" else info["age_group"]: info for info in infos}

    def member(self, group: str, part: str, twin_part: str | None = None) -> ModelMember:
        """A drawing of a part by a child who made no other."""
        with self.bench.database.read() as session:
            rows = list(session.query(ModelMember).filter_by(model_id=self.all()[group]["id"]))
        alone = Counter(row.child_id for row in rows)
        return next(
            row
            for row in rows
            if alone[row.child_id] == 1 and row.part == part and twin_part in {None, row.twin_part}
        )

    def files(self, group: str) -> dict[str, bytes]:
        return dict(self.bench.registry.package(self.all()[group]["artifact"]).files)

    def loaded(self, group: str) -> ReferenceModel:
        with self.bench.database.read() as session:
            row = session.get_one(AgeGroupModel, self.all()[group]["id"])
            return self.manager.load_model(session, row)

    def delete(self, drawing: int) -> None:
        self.catalogue.delete_drawing(drawing)

    def agree(self) -> None:
        """Every signature holds, and every stored figure is counted again from stored items."""
        for info in self.all().values():
            assert self.bench.registry.verify(info["artifact"]).ok
            package = self.bench.registry.package(info["artifact"])
            manifest = package.manifest
            checks = recompute(package.files, manifest.metrics, manifest.lineage["recipe"])
            assert [check.to_dict() for check in checks if not check.agrees] == []


@pytest.fixture
def models(trained: Workbench) -> Models:
    return Models(trained)


def numbers(files: dict[str, bytes], kind: str) -> set[int]:
    """Every drawing or child that the files name, by a walk through all of their JSON."""
    found = {
        value
        for name in (HEADER, ITEMS_FILE)
        for key, value in walk(json.loads(files[name]))
        if key == kind
    }
    if kind == "child":
        header = json.loads(files[HEADER])
        found |= {*header["fit_children"], *header["borrowed_children"]}
    return found


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


@pytest.mark.req("D-30.2")
def test_a_deleted_childs_score_leaves_the_files_of_every_model(models: Models) -> None:
    gone = models.member("6.0-9.0", "calibration")
    before = models.all()
    for group in ("6.0-9.0", "pooled", "3.0-6.0"):
        assert gone.drawing_id in numbers(models.files(group), "drawing")
    models.delete(gone.drawing_id)
    done = complete(models.bench)
    after = models.all()
    assert set(done.revised) == {info["id"] for info in before.values()}
    for group, info in after.items():
        assert gone.drawing_id not in numbers(models.files(group), "drawing")
        assert gone.child_id not in numbers(models.files(group), "child")
        assert info["artifact_revision"] == before[group]["artifact_revision"] + 1
        assert info["artifact"] == before[group]["artifact"]
    models.agree()


@pytest.mark.req("D-30.2")
def test_the_files_of_the_old_revision_are_gone(models: Models) -> None:
    gone = models.member("6.0-9.0", "calibration")
    artifact = models.all()["6.0-9.0"]["artifact"]
    old = {file.key for file in models.bench.storage.list_files(f"artifacts/{artifact}")}
    models.delete(gone.drawing_id)
    complete(models.bench)
    new = {file.key for file in models.bench.storage.list_files(f"artifacts/{artifact}")}
    assert len(new) == len(old)
    assert not new & old


@pytest.mark.req("D-30.2")
@pytest.mark.parametrize("part", ["calibration", "fit"])
def test_a_model_that_is_loaded_before_the_revision_forgets_in_memory(
    models: Models, part: str
) -> None:
    gone = models.member("6.0-9.0", part)
    before = models.loaded("6.0-9.0")
    models.delete(gone.drawing_id)
    for model in (models.loaded("6.0-9.0"), Models(models.bench).loaded("6.0-9.0")):
        assert gone.child_id not in model.model.children | model.twin.children
        assert gone.child_id not in model.fit_children
        ranked = [*model.model.calibration_drawings, *model.twin.calibration_drawings]
        assert gone.drawing_id not in ranked
    lost = (
        before.model.calibration.n_children - models.loaded("6.0-9.0").model.calibration.n_children
    )
    assert lost == (part == "calibration")
    # The files themselves still hold it, so there is something left to do.
    assert gone.drawing_id in numbers(models.files("6.0-9.0"), "drawing")


@pytest.mark.req("D-30.2")
def test_ranks_before_and_after_the_revision_are_the_same(models: Models) -> None:
    gone = models.member("6.0-9.0", "calibration")
    models.delete(gone.drawing_id)
    with models.bench.database.read() as session:
        drawings = [row.id for row in session.query(Drawing)]
    between = AnalysisService(models.bench).analyze(drawings).analyses
    complete(models.bench)
    after = AnalysisService(models.bench).analyze(drawings).analyses
    assert [row.p_value for row in between] == [row.p_value for row in after]
    new = next(row for row in after if row.role == "new" and row.p_value)
    counts = {info["id"]: info["metrics"]["children"] for info in models.all().values()}
    assert new.results["ranking"]["n_children"] == counts[new.age_group_model_id]["calibration"]


@pytest.mark.req("D-30.2")
def test_a_child_goes_with_all_of_its_drawings(models: Models) -> None:
    with models.bench.database.read() as session:
        codes = {row.child_id: row.child.code for row in session.query(Drawing) if row.child.code}
    members = {row for group in models.all() for row in numbers(models.files(group), "child")}
    child, code = next((child, code) for child, code in codes.items() if child in members)
    report = models.catalogue.delete_child(code)
    assert len(report.drawings) == 2
    complete(models.bench)
    for group in models.all():
        assert child not in numbers(models.files(group), "child")
        assert not set(report.drawings) & numbers(models.files(group), "drawing")
    models.agree()


@pytest.mark.req("D-30.2")
def test_a_stopped_revision_is_completed_by_the_next_call(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = models.member("6.0-9.0", "calibration")
    registry = models.bench.registry
    revise, calls = registry.revise, []

    def dies(uid: str, *arguments: Any, **options: Any) -> Any:
        calls.append(uid)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return revise(uid, *arguments, **options)

    models.delete(gone.drawing_id)
    with monkeypatch.context() as patch:
        patch.setattr(type(registry), "revise", lambda _, *rest, **named: dies(*rest, **named))
        with pytest.raises(KeyboardInterrupt):
            complete(models.bench)
    assert len(complete(models.bench).revised) == len(models.all()) - 1
    assert not any(
        gone.drawing_id in numbers(models.files(group), "drawing") for group in models.all()
    )
    assert complete(models.bench).revised == []
    models.agree()


@pytest.mark.req("D-30.2")
def test_the_figure_of_the_models_maps_goes_too(models: Models) -> None:
    info = models.all()["6.0-9.0"]
    models.bench.storage.put(figure_key(info["artifact"]), b"{}")
    models.delete(models.member("6.0-9.0", "calibration").drawing_id)
    complete(models.bench)
    assert not models.bench.storage.exists(figure_key(info["artifact"]))


@pytest.mark.req("D-30.2")
def test_only_figures_that_the_deleted_decided_are_taken_back(models: Models) -> None:
    before = models.all()
    fit = models.member("6.0-9.0", "fit", "calibration")
    models.delete(fit.drawing_id)
    complete(models.bench)
    after = models.all()
    own, neighbour = after["6.0-9.0"]["metrics"], after["9.0-12.0"]["metrics"]
    for name in ("planted", "power", "threshold", "attained_level", "age_specificity"):
        assert own[name] == before["6.0-9.0"]["metrics"][name]
    assert neighbour["planted"] == before["9.0-12.0"]["metrics"]["planted"]
    assert neighbour["age_specificity"]["estimate"] is None
    assert "Train again" in neighbour["age_specificity"]["reason"]
    models.agree()


@pytest.mark.req("D-30.2")
def test_a_calibration_child_takes_its_figures_along(models: Models) -> None:
    before = models.all()["6.0-9.0"]["metrics"]
    gone = models.member("6.0-9.0", "calibration")
    models.delete(gone.drawing_id)
    complete(models.bench)
    info = models.all()["6.0-9.0"]
    metrics = info["metrics"]
    assert metrics["children"]["calibration"] == before["children"]["calibration"] - 1
    assert metrics["drawings"]["calibration"] == before["drawings"]["calibration"] - 1
    n = metrics["children"]["calibration"]
    assert metrics["attained_level"] == pytest.approx(int(0.05 * (n + 1)) / (n + 1), abs=0.008)
    for figure in (metrics["planted"], *metrics["power"].values(), metrics["age_specificity"]):
        assert figure["estimate"] is None
        assert "Train again" in figure["reason"]
    card = models.bench.registry.package(info["artifact"]).manifest.card
    assert card["children"] == metrics["children"]
    assert card["limits"][-1] == LIMIT
    assert info["needs_retraining"]


def test_models_that_name_nobody_deleted_are_left_as_they_are(models: Models) -> None:
    before = models.all()
    found = complete(models.bench)
    assert (found.revised, found.damaged) == ([], [])
    assert models.all() == before


@pytest.mark.req("S-9.3")
def test_a_damaged_model_is_named_and_never_signed_again(models: Models) -> None:
    info = models.all()["3.0-6.0"]
    (key,) = (
        file.key
        for file in models.bench.storage.list_files(f"artifacts/{info['artifact']}")
        if file.key.endswith(HEADER)
    )
    models.bench.storage.put(key, models.bench.storage.get(key) + b" ")
    fresh = Models(reopened(models.bench))
    fresh.delete(fresh.member("6.0-9.0", "calibration").drawing_id)
    found = complete(fresh.bench)
    assert found.damaged == [info["id"]]
    assert len(found.revised) == 3
    assert not fresh.bench.registry.verify(info["artifact"]).ok


def reopened(bench: Workbench) -> Workbench:
    """The same data folder as another process sees it: nothing is remembered."""
    from deepmed.core.registry.service import ArtifactRegistry

    registry = ArtifactRegistry(bench.database, bench.storage, bench.registry.keys, bench.owner_id)
    return Workbench(bench.settings, bench.database, bench.storage, registry, bench.owner_id)
