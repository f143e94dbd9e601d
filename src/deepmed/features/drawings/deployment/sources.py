"""What is exported: a model with its package, as those who are there now stand in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.registry.manifest import Manifest
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import repository
from deepmed.features.drawings.deployment.errors import ModelExportError
from deepmed.features.drawings.deployment.identities import Pseudonyms
from deepmed.features.drawings.deployment.metadata import ages_of
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.kinds import OF_AGES
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
    """A model that can leave: its files, and what is said of it; nobody is named."""

    uid: str
    """Of the package that it is in here."""
    version: str
    """Changes with the files, and with who stands in them."""
    ages: AgeRange
    files: Mapping[str, bytes]
    recipe: Mapping[str, Any]
    metrics: Mapping[str, Any]
    card: Mapping[str, Any]
    datasets: list[int]
    trained: Mapping[str, Any]
    """Code, libraries and machine of the training."""
    training_job_id: int | None = None


def of_model(bench: Workbench, session: Session, model_id: int) -> Source:
    """A model by its id.

    Raises:
        NotFoundError: there is none, or it is another owner's.
        ModelExportError: it is the one over all groups.
    """
    manager = ModelManager(bench)
    row = manager.get(session, model_id)
    if row.kind not in OF_AGES:
        raise ModelExportError(
            f"Model {model_id} spans all groups and helps their models alone; nothing was "
            "exported. Export the model of an age group."
        )
    return _of_row(bench, session, row)


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


def whole(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of the model alone, without those of an export that it may have come from."""
    return {name: files[name] for name in _FILES if name in files}


def trained_by(manifest: Manifest) -> Mapping[str, Any]:
    """Of an exported model, where it was first trained."""
    found: Mapping[str, Any] = manifest.lineage.get("trained", manifest.provenance)
    return found


def _of_row(bench: Workbench, session: Session, row: AgeGroupModel) -> Source:
    package = bench.registry.package(session.get_one(Artifact, row.artifact_id).uid)
    files: Mapping[str, bytes] = package.files
    if row.needs_retraining:  # somebody was deleted or changed
        files = as_present(files, look_up(session, files, row.id))
    manifest, files = package.manifest, whole(files)
    recipe: Mapping[str, Any] = manifest.lineage["recipe"]
    names = Pseudonyms.deal(files, recipe)
    return Source(
        uid=manifest.uid,
        version=ModelManager(bench).version(session, row),
        ages=ages_of(manifest),
        files=names.rename_files(files),
        recipe=names.rename_recipe(recipe),
        metrics=manifest.metrics,
        card=manifest.card,
        datasets=manifest.lineage.get("datasets", []),
        trained=trained_by(manifest),
    )
