import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from sqlalchemy import delete

from deepmed.features.drawings.catalogue import DrawingCatalogue
from deepmed.features.drawings.deployment import forgetting
from deepmed.features.drawings.deployment.errors import ModelExportError
from deepmed.features.drawings.deployment.exporter import ModelExporter
from deepmed.features.drawings.deployment.identities import named_here, without_names
from deepmed.features.drawings.deployment.metadata import EXPORT_FILE, ModelExportMetadata
from deepmed.features.drawings.tables import (
    AgeGroupModel,
    Drawing,
    ModelMember,
    TrainingJob,
    TrainingReport,
)
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.learning.reference import from_files
from factories import encoder
from factories.homes import open_bench, stranger

from .conftest import MODEL


def files(bench: Workbench, export: ModelExportMetadata) -> dict[str, bytes]:
    return bench.registry.load(export.model_id)


@pytest.mark.req("D-14.1")
def test_a_package_is_weights_in_safetensors_and_json(
    trained: Workbench, exported: ModelExportMetadata
) -> None:
    held = files(trained, exported)
    assert {name.rpartition(".")[2] for name in held} == {"safetensors", "json"}
    assert trained.registry.verify(exported.model_id).ok
    assert exported.export_format == "pytorch"


@pytest.mark.req("D-14.1")
@pytest.mark.parametrize(
    ("asked", "named", "file"),
    [
        ("safetensors", "pytorch", None),
        ("PyTorch", "pytorch", None),
        ("onnx", "onnx", "model.onnx"),
        ("torchscript", "pt2", "model.pt2"),
        ("pt2", "pt2", "model.pt2"),
    ],
)
def test_forms_by_the_contracts_names(
    trained: Workbench, asked: str, named: str, file: str | None
) -> None:
    made = ModelExporter(trained).export_model_direct(MODEL, asked)
    assert made.export_format == named
    programs = {name for name in files(trained, made) if name.endswith((".onnx", ".pt2"))}
    assert programs == ({file} if file else set())
    if file == "model.pt2":
        with zipfile.ZipFile(io.BytesIO(files(trained, made)[file])) as archive:
            samples = [name for name in archive.namelist() if "sample_inputs" in name]
            assert [archive.read(name) for name in samples] == [b""]


@pytest.mark.req("D-14.1")
@pytest.mark.req("S-9.1")
@pytest.mark.parametrize(("asked", "why"), [("pickle", "runs whatever"), ("h5", "pytorch, onnx")])
def test_what_is_not_written(trained: Workbench, asked: str, why: str) -> None:
    with pytest.raises(ModelExportError, match=why) as refusal:
        ModelExporter(trained).export_model_direct(MODEL, asked)
    assert refusal.value.status == 400
    assert ModelExporter(trained).list_exported_models() == []


@pytest.mark.req("D-29.1")
def test_the_metadata_are_those_of_the_files(
    trained: Workbench, exported: ModelExportMetadata
) -> None:
    held = files(trained, exported)
    weights = safetensors.numpy.load(held["model.weights.safetensors"])
    assert exported.parameter_count == sum(array.size for array in weights.values())
    assert (exported.input_dimension, exported.output_dimension) == (len(weights["mean"]), 1)
    assert exported.file_size_bytes == sum(map(len, held.values()))
    assert (exported.age_group_min, exported.age_group_max) == (6.0, 9.0)
    assert exported.checksum == trained.registry.find(exported.model_id).manifest_hash
    with trained.database.read() as session:
        row = session.get_one(AgeGroupModel, MODEL)
        assert row.recipe_hash in exported.model_version
        assert exported.model_type == row.model_type
    assert exported.training_metrics["percentile"] == 95.0
    assert exported.training_metrics["children"]["calibration"] > 20


def test_the_same_model_is_exported_once(trained: Workbench, exported: ModelExportMetadata) -> None:
    again = ModelExporter(trained).export_model_direct(MODEL)
    assert again == exported
    onnx = ModelExporter(trained).export_model_direct(MODEL, "onnx")
    listed = ModelExporter(trained).list_exported_models()
    assert [one.model_id for one in listed] == [onnx.model_id, exported.model_id]
    assert listed[1].architecture_hash == onnx.architecture_hash


class TestNames:
    @pytest.mark.req("S-3.1")
    def test_no_id_of_a_child_or_drawing_leaves(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        assert named_here(files(trained, exported)) == []
        original = trained.registry.find(exported.model_id).lineage["parents"][0]
        assert named_here(trained.registry.load(original))
        manifest = trained.registry.package(exported.model_id).manifest
        assert without_names(manifest.metrics) == manifest.metrics
        halves = [manifest.lineage["recipe"][half] for half in ("model", "twin")]
        named = [one for half in halves for part in half.values() for one in part]
        assert named
        assert max(named) < 0

    def test_what_belongs_to_one_child_stays_together_and_in_order(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        original = trained.registry.find(exported.model_id).lineage["parents"][0]
        before, after = (
            json.loads(trained.registry.load(uid)["reference.json"])
            for uid in (original, exported.model_id)
        )
        pairs = {
            (old["child"], new["child"])
            for old, new in zip(before["model"], after["model"], strict=True)
        }
        ordered = sorted(pairs)
        assert len({old for old, _ in pairs}) == len({new for _, new in pairs}) == len(pairs)
        assert [new for _, new in ordered] == sorted(new for _, new in ordered)
        assert [row["score"] for row in after["model"]] == [row["score"] for row in before["model"]]
        assert len(after["fit_children"]) == len(before["fit_children"])

    def test_the_model_that_is_read_back_is_the_same(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        original = trained.registry.find(exported.model_id).lineage["parents"][0]
        first, second = (
            from_files(trained.registry.load(uid)) for uid in (original, exported.model_id)
        )
        assert first.twin is not None
        assert second.twin is not None
        for one, other in ((first.model, second.model), (first.twin, second.twin)):
            assert np.array_equal(one.calibration.scores, other.calibration.scores)
            assert one.calibration.n_children == other.calibration.n_children


class TestTrainingJobs:
    @pytest.fixture
    def job(self, trained: Workbench) -> int:
        """A training job; what a real one leaves is tested over HTTP."""
        from deepmed.core.jobs.tables import Job

        with trained.database.write() as session:
            row = session.get_one(AgeGroupModel, MODEL)
            ledger = Job(
                owner_id=trained.owner_id,
                uid="0" * 32,
                kind="drawings.training",
                queue="drawings.training",
                title="Train",
                payload={},
                state="succeeded",
                max_attempts=1,
            )
            session.add(ledger)
            session.flush()
            job = TrainingJob(
                owner_id=trained.owner_id,
                job_id=ledger.id,
                job_name="mine",
                environment="local",
                config_parameters={},
                dataset_path="set",
                metadata_file="metadata.csv",
            )
            session.add(job)
            session.flush()
            report: dict[str, Any] = {
                "owner_id": trained.owner_id,
                "training_job_id": job.id,
                "artifact_id": row.artifact_id,
                "final_loss": 0.1,
                "validation_accuracy": None,
                "best_epoch": 1,
                "training_time_seconds": 1.0,
                "metrics_summary": {},
            }
            session.add(TrainingReport(**report))
            return job.id

    def test_no_such_job(self, trained: Workbench, job: int) -> None:
        with pytest.raises(ModelExportError, match="no finished"):
            ModelExporter(trained).export_model_from_training_job(job + 1, 6.0, 9.0)

    def test_one_that_left_something_else(self, trained: Workbench, job: int) -> None:
        with pytest.raises(ModelExportError, match="does not tell the ages"):
            ModelExporter(trained).export_model_from_training_job(job, 6.0, 9.0)

    @pytest.mark.req("S-3.1")
    def test_anothers_job(self, trained: Workbench, job: int) -> None:
        with pytest.raises(ModelExportError, match="no finished"):
            ModelExporter(stranger(trained)).export_model_from_training_job(job, 6.0, 9.0)


@pytest.mark.req("S-3.1")
def test_anothers_model_and_exports_are_not_there(
    trained: Workbench, exported: ModelExportMetadata
) -> None:
    other = ModelExporter(stranger(trained))
    assert other.list_exported_models() == []
    with pytest.raises(NotFoundError):
        other.export_model_direct(MODEL)


def test_the_model_over_all_groups_stays(trained: Workbench) -> None:
    with pytest.raises(ModelExportError, match="spans all groups"):
        ModelExporter(trained).export_model_direct(4)


def test_golden_drawings_need_the_models_encoder(trained: Workbench) -> None:
    trained.database.close()
    other = open_bench(trained.settings.home)
    object.__setattr__(
        other, "settings", other.settings.model_copy(update={"encoder": encoder.OTHER_NAME})
    )
    with pytest.raises(ModelExportError, match="DEEPMED_ENCODER"):
        ModelExporter(other).export_model_direct(MODEL)
    other.database.close()


class TestDeletion:
    def member(self, bench: Workbench) -> int:
        with bench.database.read() as session:
            found = session.query(ModelMember).filter_by(model_id=MODEL, part="calibration")
            return found.first().drawing_id  # type: ignore[union-attr] # there are many

    @pytest.mark.req("D-30.2")
    def test_an_export_goes_with_the_child_whose_score_it_holds(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        untouched = ModelExporter(trained).export_model_direct(1)
        catalogue = DrawingCatalogue(trained.database, trained.storage, trained.owner_id)
        catalogue.delete_drawing(self.member(trained))
        assert forgetting.forget(trained) == [exported.model_id]
        assert forgetting.forget(trained) == []
        listed = ModelExporter(trained).list_exported_models()
        assert [one.model_id for one in listed] == [untouched.model_id]

    @pytest.mark.req("D-30.2")
    def test_an_export_after_the_deletion_does_not_know_the_child(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        catalogue = DrawingCatalogue(trained.database, trained.storage, trained.owner_id)
        catalogue.delete_drawing(self.member(trained))
        again = ModelExporter(trained).export_model_direct(MODEL)
        rows = [
            json.loads(files(trained, one)["reference.json"])["model"] for one in (exported, again)
        ]
        assert len(rows[1]) == len(rows[0]) - 1

    @pytest.mark.req("D-30.2")
    def test_a_deletion_while_it_is_written_leaves_no_export(
        self, trained: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawing = self.member(trained)
        published = type(trained.registry).publish

        def deleting(*arguments: Any, **named: Any) -> Any:
            row = published(*arguments, **named)
            with trained.database.write() as session:
                session.execute(delete(Drawing).where(Drawing.id == drawing))
                session.get_one(AgeGroupModel, MODEL).needs_retraining = True
            return row

        monkeypatch.setattr(type(trained.registry), "publish", deleting)
        with pytest.raises(ConflictError, match="Export it again"):
            ModelExporter(trained).export_model_direct(MODEL)
        assert ModelExporter(trained).list_exported_models() == []


def test_a_damaged_export_is_left_out_of_the_list(
    trained: Workbench, exported: ModelExportMetadata
) -> None:
    (path,) = (trained.settings.home / "files" / "artifacts" / exported.model_id).rglob(EXPORT_FILE)
    path.write_bytes(path.read_bytes().replace(b"knn", b"pca"))
    trained.registry._cache.drop(exported.checksum)
    assert ModelExporter(trained).list_exported_models() == []
