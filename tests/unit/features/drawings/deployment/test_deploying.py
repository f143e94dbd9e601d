import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from deepmed.core.audit.repository import history
from deepmed.features.drawings.deployment import validator as validating
from deepmed.features.drawings.deployment.errors import (
    ModelCompatibilityError,
    ModelValidationError,
    NoFittedWeightsError,
    RangeInUseError,
)
from deepmed.features.drawings.deployment.exporter import ONNX_FILE, ModelExporter
from deepmed.features.drawings.deployment.formats import EXPORT_KIND
from deepmed.features.drawings.deployment.golden import GOLDEN_FILE, Golden
from deepmed.features.drawings.deployment.metadata import EXPORT_FILE, ModelExportMetadata
from deepmed.features.drawings.deployment.service import ModelDeploymentService
from deepmed.features.drawings.deployment.validator import WEIGHTS, ModelValidator
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.training import Use
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import IntegrityError, NotFoundError, PathRefusedError
from deepmed.learning.onnx_files import running
from factories import encoder
from factories.homes import QUICK, open_bench, stranger, train

from .conftest import MODEL, Move, deploy


def active(bench: Workbench) -> list[int]:
    return [one["id"] for one in ModelDeploymentService(bench).list_deployed_models()]


def republished(bench: Workbench, export: ModelExportMetadata, **changes: bytes | None) -> str:
    """Another signed export, with other files; names carry a double underscore for the dot."""
    package = bench.registry.package(export.model_id)
    named = {name.replace("__", "."): content for name, content in changes.items()}
    files = {**package.files, **named}
    manifest = package.manifest
    return bench.registry.publish(
        EXPORT_KIND,
        {name: content for name, content in files.items() if content is not None},
        metrics=manifest.metrics,
        card=manifest.card,
        lineage=manifest.lineage,
        recipe_hash=f"{len(bench.registry.list()):064d}",
        configuration={},
        seed=0,
        data_hash="0" * 64,
    ).uid


class TestDeploying:
    @pytest.mark.req("D-14.1")
    def test_export_check_deploy_list_undeploy(self, trained: Workbench) -> None:
        export = ModelExporter(trained).export_model_direct(MODEL)
        service = ModelDeploymentService(trained)
        service.undeploy_model(MODEL)
        assert active(trained) == [1, 3]
        made = deploy(trained, export.model_id)
        assert made.validation is not None
        assert made.validation.is_valid
        assert active(trained) == [1, 2, 3]
        found = service.list_deployed_models()[1]
        assert found["deployment_info"]["export_id"] == export.model_id
        assert found["deployment_info"]["imported"] is False
        assert not service.undeploy_model(MODEL).is_active
        assert not service.undeploy_model(MODEL).is_active

    @pytest.mark.req("D-26.1")
    def test_where_the_model_is_it_is_used_itself_because_it_knows_its_children(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        ModelDeploymentService(trained).undeploy_model(MODEL)
        assert deploy(trained, exported.model_id).model_id == MODEL

    @pytest.mark.req("D-7.3")
    def test_a_range_in_use_is_refused_unless_it_is_to_be_replaced(
        self, trained: Workbench
    ) -> None:
        candidate = train(
            trained,
            [AgeRange(6.0, 9.0)],
            QUICK.model_copy(update={"detector": "pca"}),
            Use.CANDIDATE,
        ).models[0]
        other = ModelExporter(trained).export_model_direct(candidate.id)
        with pytest.raises(RangeInUseError, match="model 2 for 6") as refusal:
            deploy(trained, other.model_id)
        assert refusal.value.status == 409
        assert active(trained) == [1, 2, 3]
        made = deploy(trained, other.model_id, replace_existing=True)
        assert (made.model_id, made.replaced) == (candidate.id, [MODEL])
        assert active(trained) == [1, candidate.id, 3]
        assert made.backup is not None
        back = deploy(trained, made.backup, replace_existing=True)
        assert (back.model_id, active(trained)) == (MODEL, [1, 2, 3])
        unnamed = deploy(trained, other.model_id, replace_existing=True, backup_existing=False)
        assert unnamed.backup is None

    def test_what_is_in_use_already_is_refused_like_any_other(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        with pytest.raises(RangeInUseError):
            deploy(trained, exported.model_id)
        assert deploy(trained, exported.model_id, replace_existing=True).replaced == []

    @pytest.mark.parametrize("ages", [(6.0, 8.0), (3.0, 9.0), (5.0, 9.0)])
    def test_it_answers_for_the_ages_that_it_was_fitted_on(
        self, trained: Workbench, exported: ModelExportMetadata, ages: tuple[float, float]
    ) -> None:
        with pytest.raises(ModelCompatibilityError, match="6 to under 9"):
            deploy(trained, exported.model_id, ages, replace_existing=True)

    @pytest.mark.req("D-29.3")
    @pytest.mark.parametrize("missing", ["model__weights.safetensors", "reference__json"])
    def test_no_model_without_fitted_weights(
        self, trained: Workbench, exported: ModelExportMetadata, missing: str
    ) -> None:
        uid = republished(trained, exported, **{missing: None})
        for checked in (True, False):
            with pytest.raises(NoFittedWeightsError) as refusal:
                deploy(trained, uid, replace_existing=True, validate_before_deployment=checked)
            assert refusal.value.status == 409
        found = ModelValidator(trained).validate_exported_model(uid)
        assert found.integrity_checks == {
            "signature_and_checksums": True,
            "fitted_weights": False,
        }
        assert active(trained) == [1, 2, 3]

    def test_an_encoder_that_is_not_the_present_one(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        settings = trained.settings.model_copy(update={"encoder": encoder.OTHER_NAME})
        other = Workbench(
            settings, trained.database, trained.storage, trained.registry, trained.owner_id
        )
        for checked in (True, False):
            with pytest.raises(ModelCompatibilityError, match="DEEPMED_ENCODER"):
                deploy(
                    other,
                    exported.model_id,
                    replace_existing=True,
                    validate_before_deployment=checked,
                )
        assert not ModelValidator(other).validate_exported_model(exported.model_id).is_valid

    @pytest.mark.req("P-8.1")
    def test_the_descent_runs_from_the_data_to_the_use(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        ModelDeploymentService(trained).undeploy_model(MODEL)
        made = deploy(trained, exported.model_id)
        descent = trained.registry.lineage(made.artifact)
        assert [one["uid"] for one in descent.children] == [exported.model_id]
        now, before = descent.deployments
        assert (now["place"], now["ended_at"]) == ("group 6.0-9.0", None)
        assert now["details"] == {"export": exported.model_id}
        assert before["ended_at"] is not None

    @pytest.mark.req("P-8.1")
    def test_whatever_puts_a_model_into_use_is_in_its_descent(self, trained: Workbench) -> None:
        with trained.database.read() as session:
            rows = ModelDeploymentService(trained).models.in_use(session)
        assert len(rows) == 4
        for one in ModelDeploymentService(trained).list_deployed_models():
            deployments = trained.registry.lineage(one["deployment_info"]["artifact"]).deployments
            assert [each["ended_at"] for each in deployments] == [None]

    def test_it_is_on_the_audit_trail(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        deploy(trained, exported.model_id, replace_existing=True)
        with trained.database.read() as session:
            newest = history(session, trained.owner_id, 1)[0]
        assert (newest.action, newest.object_id) == ("model.activate", str(MODEL))


class TestNames:
    @pytest.mark.req("S-16.1")
    @pytest.mark.parametrize(
        "name",
        ["../x", "/etc/passwd", "exports/models/../../x", "a\0b", "C:\\x", "", "exports//x", "."],
    )
    def test_a_path_is_refused(self, trained: Workbench, name: str) -> None:
        for ask in (
            ModelValidator(trained).validate_exported_model,
            lambda name: deploy(trained, name),
        ):
            with pytest.raises(PathRefusedError):
                ask(name)

    @pytest.mark.parametrize("name", ["x", "0" * 32, "exports/models/x.onnx", "model.pkl"])
    def test_what_is_not_there(self, trained: Workbench, name: str) -> None:
        with pytest.raises(NotFoundError):
            deploy(trained, name)

    def test_the_names_of_one_export(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        uid = exported.model_id
        for name in (uid, f"exports/models/{uid}.pytorch", f"artifacts/{uid}"):
            assert ModelValidator(trained).validate_exported_model(name).is_valid

    @pytest.mark.req("S-3.1")
    def test_anothers_export_is_not_there(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        with pytest.raises(NotFoundError):
            deploy(stranger(trained), exported.model_id)


class TestValidation:
    @pytest.fixture
    def onnx(self, trained: Workbench) -> ModelExportMetadata:
        return ModelExporter(trained).export_model_direct(MODEL, "onnx")

    def check(self, bench: Workbench, uid: str) -> validating.ValidationResult:
        found = ModelValidator(bench).validate_exported_model(uid)
        if not found.is_valid:
            refusals = (ModelValidationError, ModelCompatibilityError, IntegrityError)
            with pytest.raises(refusals):
                deploy(bench, uid, replace_existing=True)
        return found

    @pytest.mark.req("D-14.1")
    def test_parity_on_golden_drawings(self, trained: Workbench, onnx: ModelExportMetadata) -> None:
        found = self.check(trained, onnx.model_id)
        measured = found.performance_checks
        assert found.is_valid
        assert measured["golden_drawings"] == 9
        assert measured["largest_difference"] == 0.0
        assert measured["onnx_largest_difference"] < 1e-9
        assert measured["embedding_difference"] < 1e-4
        assert {*found.compatibility_checks.values(), *found.integrity_checks.values()} == {True}

    @pytest.mark.req("S-9.3")
    @pytest.mark.parametrize("name", [WEIGHTS, "reference.json", GOLDEN_FILE, "manifest.sig"])
    def test_a_changed_byte(
        self, trained: Workbench, exported: ModelExportMetadata, name: str
    ) -> None:
        folder = trained.settings.home / "files" / "artifacts" / exported.model_id
        (path,) = folder.rglob(name)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        found = self.check(trained, exported.model_id)
        assert found.integrity_checks == {"signature_and_checksums": False}

    def scaled(self, bench: Workbench, uid: str, name: str) -> bytes:
        """A file of numbers, one of its arrays a little larger."""
        held = safetensors.numpy.load(bench.registry.load(uid)[name])
        last = "references" if "references" in held else "scores"
        held[last] = held[last] * (1 + 1e-6)
        return bytes(safetensors.numpy.save(held))

    @pytest.mark.req("D-14.1")
    @pytest.mark.parametrize("name", [WEIGHTS, GOLDEN_FILE])
    def test_weights_that_do_not_give_the_stored_scores(
        self, trained: Workbench, exported: ModelExportMetadata, name: str
    ) -> None:
        changed = {name.replace(".", "__"): self.scaled(trained, exported.model_id, name)}
        found = self.check(trained, republished(trained, exported, **changed))
        assert "own scores" in found.errors[0]
        assert found.performance_checks["largest_difference"] > 1e-9

    @pytest.mark.req("D-14.1")
    def test_a_program_that_gives_other_scores(
        self, trained: Workbench, onnx: ModelExportMetadata
    ) -> None:
        other = ModelExporter(trained).export_model_direct(1, "onnx")
        program = trained.registry.load(other.model_id)[ONNX_FILE]
        found = self.check(trained, republished(trained, onnx, model__onnx=program))
        assert found.errors == ["The ONNX file does not give the model's scores."]

    def test_a_program_that_does_not_run(
        self, trained: Workbench, onnx: ModelExportMetadata
    ) -> None:
        found = self.check(trained, republished(trained, onnx, model__onnx=b"\x08\x09nothing"))
        assert "cannot be scored" in found.errors[0]

    def test_without_a_runtime_the_weights_are_still_checked(
        self, trained: Workbench, onnx: ModelExportMetadata, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "find_spec", lambda _name: None)
        found = self.check(trained, onnx.model_id)
        assert found.is_valid
        assert "pip install" in found.warnings[0]
        assert "onnx_largest_difference" not in found.performance_checks

    @pytest.mark.req("D-26.1")
    def test_a_package_that_names_ids_of_this_installation(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        header = json.loads(trained.registry.load(exported.model_id)["reference.json"])
        header["model"][0]["child"] = 5
        changed = json.dumps(header).encode()
        found = self.check(trained, republished(trained, exported, reference__json=changed))
        assert found.integrity_checks["names_nobody"] is False
        uid = ModelExporter(trained).list_exported_models()[0].model_id
        with pytest.raises(ModelCompatibilityError, match="others here"):
            deploy(trained, uid, replace_existing=True, validate_before_deployment=False)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            (EXPORT_FILE, b'{"compatibility_version": "9"}'),
            (EXPORT_FILE, b"[]"),
            (GOLDEN_FILE, None),
            (GOLDEN_FILE, safetensors.numpy.save({"vectors": np.zeros(1)})),
            ("model.detector.json", b"{}"),
            ("reference.json", b"[]"),
            ("reference.json", b"{}"),
            ("items.json", b"[]"),
            ("items.json", None),
        ],
    )
    def test_what_is_not_described_as_we_do(
        self, trained: Workbench, exported: ModelExportMetadata, name: str, content: Any
    ) -> None:
        uid = republished(trained, exported, **{name.replace(".", "__"): content})
        found = ModelValidator(trained).validate_exported_model(uid)
        assert not found.is_valid
        with pytest.raises((ModelValidationError, ModelCompatibilityError)):
            deploy(trained, uid, replace_existing=True)

    def test_a_model_of_this_installation_is_checked_by_its_package(
        self, trained: Workbench, exported: ModelExportMetadata
    ) -> None:
        (package,) = trained.registry.find(exported.model_id).lineage["parents"]
        found = self.check(trained, package)
        assert found.is_valid
        assert found.performance_checks == {}


@pytest.mark.req("P-8.1")
def test_an_imported_package_cannot_claim_a_model_of_this_installation(
    trained: Workbench, exported: ModelExportMetadata, elsewhere: Workbench, move: Move
) -> None:
    """Its parent has the name that it had at home; here that would be somebody else's model."""
    (parent,) = trained.registry.find(exported.model_id).lineage["parents"]
    row = move(trained, exported.model_id, elsewhere)
    assert row.lineage["parents"] == [parent]
    (named,) = elsewhere.registry.lineage(row.uid).parents
    assert named["stage"] == "elsewhere"
    made = deploy(elsewhere, row.uid)
    assert made.artifact == row.uid
    info = ModelDeploymentService(elsewhere).list_deployed_models()[0]["deployment_info"]
    assert info["imported"] is True
    again = deploy(elsewhere, row.uid, replace_existing=True)
    assert again.model_id == made.model_id


def test_the_weights_of_another_home_stay_readable_without_it(
    trained: Workbench, exported: ModelExportMetadata, tmp_path: Path, move: Move
) -> None:
    """A closed and opened installation finds what it imported."""
    receiver = open_bench(tmp_path / "receiver")
    uid = move(trained, exported.model_id, receiver).uid
    deploy(receiver, uid)
    receiver.database.close()
    opened = open_bench(tmp_path / "receiver")
    assert active(opened) == [1]
    assert ModelValidator(opened).validate_exported_model(uid).is_valid
    opened.database.close()


@pytest.mark.req("D-29.1")
def test_differences_are_relative_to_the_stored_scores(
    trained: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the package's own scores, of the program's beside it, and of the vectors made anew."""
    export = ModelExporter(trained).export_model_direct(MODEL, "onnx")
    held = safetensors.numpy.load(trained.registry.load(export.model_id)[GOLDEN_FILE])
    stored = held["scores"].copy()
    held["scores"] = stored * np.linspace(1.0, 1.01, len(stored))
    uid = republished(trained, export, golden__safetensors=safetensors.numpy.save(held))
    made = Golden.make

    def moved(*arguments: Any) -> Golden:
        found = made(*arguments)
        return Golden(found.rows.with_vectors(found.rows.vectors * np.float32(1.25)), found.scores)

    monkeypatch.setattr(Golden, "make", moved)
    found = ModelValidator(trained).validate_exported_model(uid)
    expected = max(abs(stored - held["scores"]) / held["scores"])
    measured = found.performance_checks
    assert measured["golden_drawings"] == len(stored)
    assert measured["largest_difference"] == pytest.approx(expected)
    assert measured["onnx_largest_difference"] == pytest.approx(expected)
    assert (measured["tolerance"], measured["onnx_tolerance"]) == (1e-9, 1e-4)
    assert measured["embedding_difference"] == pytest.approx(0.25)
    assert len(found.errors) == 2
    assert "other vectors here" in found.warnings[0]
