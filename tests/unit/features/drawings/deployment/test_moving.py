"""Export, wipe, import, deploy: the scores stay what they were (D-14, P-8)."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from deepmed.features.drawings.analysis.service import AnalysisService
from deepmed.features.drawings.deployment.exporter import (
    NOBODY_KNOWN,
    ONNX_FILE,
    VECTORS,
    ModelExporter,
)
from deepmed.features.drawings.deployment.service import ModelDeploymentService
from deepmed.features.drawings.models import forgetting
from deepmed.features.drawings.models.eligibility import find
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.training import Use
from deepmed.features.drawings.report.gathering import ReportGatherer
from deepmed.features.drawings.runs.verify import recompute
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ValidationError
from deepmed.learning.export import ScoreInputs
from deepmed.learning.onnx_files import run_onnx
from deepmed.learning.reference import ReferenceModel, Rows
from factories.drawings import add_drawings, embed, sketches
from factories.homes import QUICK, open_bench, three_groups, train

from .conftest import MODEL, Move, deploy


def loaded(bench: Workbench, model_id: int) -> ReferenceModel:
    manager = ModelManager(bench)
    with bench.database.read() as session:
        return manager.load_model(session, manager.get(session, model_id))


def rows_of(bench: Workbench) -> Rows:
    with bench.database.read() as session:
        return find(session, bench.embeddings, bench.encoding.identity.key).rows


@pytest.mark.req("D-14.1")
@pytest.mark.req("P-8.1")
@pytest.mark.parametrize(("detector", "form"), [("knn", "onnx"), ("mahalanobis", "pytorch")])
def test_scores_are_the_same_after_a_wipe(
    bench: Workbench, tmp_path: Path, move: Move, detector: str, form: str
) -> None:
    """Every detector's program is held against the detector in tests/unit/learning/export."""
    add_drawings(bench, sketches(45, 7.5))
    embed(bench)
    model = train(bench, "6-9", QUICK.model_copy(update={"detector": detector})).models[0].id
    drawings = rows_of(bench)
    before = loaded(bench, model).score(drawings, bench.encoding.identity.key)
    export = ModelExporter(bench).export_model_direct(model, form)
    emptied = open_bench(tmp_path / "emptied")
    row = move(bench, export.model_id, emptied)
    bench.database.close()
    shutil.rmtree(bench.settings.home)
    made = deploy(emptied, row.uid)
    after = loaded(emptied, made.model_id).score(drawings, emptied.encoding.identity.key)
    assert np.max(np.abs(after - before) / np.abs(before)) <= 1e-9
    if form == "onnx":
        program = emptied.registry.load(row.uid)[ONNX_FILE]
        inputs = ScoreInputs.of(drawings, loaded(emptied, made.model_id).layout).named()
        assert run_onnx(program, inputs) == pytest.approx(before, rel=1e-4)
        assert made.validation is not None
        assert made.validation.performance_checks["onnx_largest_difference"] <= 1e-4
    emptied.database.close()


@pytest.mark.req("D-26.1")
def test_nobody_elsewhere_is_known_to_the_model(
    trained: Workbench, elsewhere: Workbench, move: Move
) -> None:
    """Ids of children are small numbers in every installation: none may pass for another's."""
    export = ModelExporter(trained).export_model_direct(MODEL)
    row = move(trained, export.model_id, elsewhere)
    deploy(elsewhere, row.uid)
    add_drawings(elsewhere, three_groups())
    embed(elsewhere)
    there = AnalysisService(elsewhere).analyze().analyses
    here = {one.drawing_id: one for one in AnalysisService(trained).analyze().analyses}
    ranked = [one for one in there if one.decision == "ranked"]
    assert len(ranked) > 40
    assert {one.role for one in ranked} == {"new"}
    known = [one for one in ranked if here[one.drawing_id].role == "calibration"]
    assert known
    for one in known:
        assert one.anomaly_score == here[one.drawing_id].anomaly_score
    limits = elsewhere.registry.package(row.uid).manifest.card["limits"]
    assert {NOBODY_KNOWN, VECTORS} <= {*limits}


@pytest.mark.req("D-26.2")
def test_calibration_travels(trained: Workbench, elsewhere: Workbench, move: Move) -> None:
    """The threshold and the place of a new child's drawing are the same elsewhere."""
    export = ModelExporter(trained).export_model_direct(MODEL)
    deploy(elsewhere, move(trained, export.model_id, elsewhere).uid)
    newcomers = sketches(3, 7.7, 0.1, subject="house", label=None)
    places = []
    for bench in (trained, elsewhere):
        ids = add_drawings(bench, newcomers)
        embed(bench)
        found = AnalysisService(bench).analyze(ids).analyses
        places.append([(one.anomaly_score, one.p_value, one.is_anomaly) for one in found])
        assert {one.role for one in found} == {"new"}
    assert places[0] == places[1]


def test_a_deletion_elsewhere_leaves_its_calibration_whole(
    trained: Workbench, elsewhere: Workbench, move: Move
) -> None:
    export = ModelExporter(trained).export_model_direct(MODEL)
    row = move(trained, export.model_id, elsewhere)
    made = deploy(elsewhere, row.uid)
    found = forgetting.complete(elsewhere)
    assert (found.revised, found.damaged) == ([], [])
    assert len(loaded(elsewhere, made.model_id).model.calibration) > 20


def test_figures_that_came_along_are_counted_again(
    trained: Workbench, elsewhere: Workbench, move: Move
) -> None:
    export = ModelExporter(trained).export_model_direct(MODEL)
    package = elsewhere.registry.package(move(trained, export.model_id, elsewhere).uid)
    recipe = package.manifest.lineage["recipe"]
    checks = recompute(package.files, package.manifest.metrics, recipe)
    assert len(checks) > 100
    assert [check for check in checks if not check.agrees] == []


def test_life_goes_on_beside_it(trained: Workbench, elsewhere: Workbench, move: Move) -> None:
    """Neighbours are trained and reported beside it, and a model of one's own takes its place."""
    export = ModelExporter(trained).export_model_direct(MODEL)
    made = deploy(elsewhere, move(trained, export.model_id, elsewhere).uid)
    add_drawings(elsewhere, three_groups())
    embed(elsewhere)
    run = train(elsewhere, [AgeRange(3.0, 6.0)])
    assert [row.kind for row in run.models] == ["group", "pooled"]
    AnalysisService(elsewhere).analyze()
    content = ReportGatherer(elsewhere).gather("Report")
    assert content.gallery
    train(elsewhere, "6-8", use=Use.REPLACE)
    deployed = ModelDeploymentService(elsewhere).list_deployed_models()
    assert made.model_id not in {one["id"] for one in deployed}


def test_it_can_be_exported_again(
    trained: Workbench, elsewhere: Workbench, tmp_path: Path, move: Move
) -> None:
    export = ModelExporter(trained).export_model_direct(MODEL)
    made = deploy(elsewhere, move(trained, export.model_id, elsewhere).uid)
    again = ModelExporter(elsewhere).export_model_direct(made.model_id)
    third = open_bench(tmp_path / "third")
    row = move(elsewhere, again.model_id, third)
    drawings = rows_of(trained)
    key = trained.encoding.identity.key
    last = loaded(third, deploy(third, row.uid).model_id)
    assert (
        last.score(drawings, key).tolist() == loaded(trained, MODEL).score(drawings, key).tolist()
    )
    trained_here = trained.registry.package(export.model_id).manifest.lineage["trained"]
    assert third.registry.package(row.uid).manifest.lineage["trained"] == trained_here
    third.database.close()


@pytest.mark.req("S-9.2")
def test_a_program_of_torch_does_not_come_in(
    trained: Workbench, elsewhere: Workbench, move: Move
) -> None:
    export = ModelExporter(trained).export_model_direct(MODEL, "torchscript")
    with pytest.raises(ValidationError, match="never reads"):
        move(trained, export.model_id, elsewhere)
    assert deploy(trained, export.model_id, replace_existing=True).model_id == MODEL
