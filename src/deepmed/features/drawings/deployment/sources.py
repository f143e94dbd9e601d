"""What is exported: a model with its package, as those who are there now stand in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from deepmed.core.registry.manifest import Manifest
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import repository
from deepmed.features.drawings.deployment.errors import ModelExportError
from deepmed.features.drawings.deployment.metadata import ages_of
from deepmed.features.drawings.models.fitting import ITEMS_FILE
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.present import as_present, look_up
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.reference.files import HEADER

_PARTS = ("model.detector.json", "model.weights.safetensors")
_FILES = (HEADER, ITEMS_FILE, *_PARTS, *(name.replace("model", "twin") for name in _PARTS))


@dataclass(frozen=True)
class Source:
    """A model's files and all that decides them."""

    manifest: Manifest
    files: Mapping[str, bytes]
    version: str
    """Changes with the files, and with who stands in them."""
    training_job_id: int | None = None

    @property
    def ages(self) -> AgeRange:
        return ages_of(self.manifest)


def of_model(bench: Workbench, session: Session, model_id: int) -> Source:
    """A model by its id.

    Raises:
        NotFoundError: there is none, or it is another owner's.
        ModelExportError: it is the one over all groups.
    """
    manager = ModelManager(bench)
    row = manager.get(session, model_id)
    if row.kind != "group":
        raise ModelExportError(
            f"Model {model_id} spans all groups and helps their models alone; nothing was "
            "exported. Export the model of an age group."
        )
    return _of_row(bench, session, row)


def of_job(bench: Workbench, session: Session, job_id: int, ages: tuple[float, float]) -> Source:
    """What a training job came to, if it is for these ages.

    Raises:
        ModelExportError: no such job, no model of it yet, or one for other ages.
    """
    artifact = repository.artifact_of_job(session, bench.owner_id, job_id)
    if artifact is None:
        raise ModelExportError(
            f"There is no finished training job {job_id} with a model; nothing was exported."
        )
    row = repository.model_of_artifact(session, bench.owner_id, artifact.id)
    source = (
        _of_artifact(bench, session, artifact, job_id)
        if row is None
        else _of_row(bench, session, row, job_id)
    )
    if (source.ages.age_min, source.ages.age_max) != ages:
        raise ModelExportError(
            f"The model of training job {job_id} is for {source.ages.words}, not for "
            f"{ages[0]:g}-{ages[1]:g}; nothing was exported."
        )
    return source


def of_package(bench: Workbench, session: Session, uid: str) -> Source:
    """A model by the uid of its package.

    Raises:
        ModelExportError: no model has this package any more.
    """
    artifact = repository.artifact(session, bench.owner_id, uid)
    row = artifact and repository.model_of_artifact(session, bench.owner_id, artifact.id)
    if row is None:
        raise ModelExportError(f"The package {uid} belongs to no model; nothing was exported.")
    return of_model(bench, session, row.id)


def version_of(bench: Workbench, session: Session, artifact: Artifact) -> str:
    """The version of what was trained into a package, as it would be exported now."""
    row = repository.model_of_artifact(session, bench.owner_id, artifact.id)
    if row is None:
        return f"{artifact.recipe_hash}/{artifact.revision}"
    return ModelManager(bench).version(session, row)


def _of_row(
    bench: Workbench, session: Session, row: AgeGroupModel, job_id: int | None = None
) -> Source:
    package = bench.registry.package(session.get_one(Artifact, row.artifact_id).uid)
    files: Mapping[str, bytes] = package.files
    if row.needs_retraining:  # somebody was deleted or changed
        files = as_present(files, look_up(session, files, row.id))
    version = ModelManager(bench).version(session, row)
    return Source(package.manifest, _whole(files), version, job_id)


def _of_artifact(bench: Workbench, session: Session, artifact: Artifact, job_id: int) -> Source:
    package = bench.registry.package(artifact.uid)
    version = version_of(bench, session, artifact)
    return Source(package.manifest, _whole(package.files), version, job_id)


def _whole(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of the model alone, without those of an export that it may have come from."""
    if HEADER not in files:
        raise ModelExportError(
            "What was trained is no model of an age group: it ranks nobody. Nothing was exported."
        )
    return {name: files[name] for name in _FILES if name in files}
