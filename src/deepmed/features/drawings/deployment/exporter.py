"""Models written for use elsewhere: signed, checked, and without a word of any child."""

import json
from collections.abc import Callable

from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import repository, sources, training_runs
from deepmed.features.drawings.deployment.errors import ModelCompatibilityError, ModelExportError
from deepmed.features.drawings.deployment.formats import (
    EXPORT_KIND,
    ModelExportFormat,
    format_of,
)
from deepmed.features.drawings.deployment.golden import GOLDEN_FILE, Golden
from deepmed.features.drawings.deployment.identities import without_names
from deepmed.features.drawings.deployment.metadata import (
    EXPORT_FILE,
    ModelExportMetadata,
    described,
    metadata_of,
)
from deepmed.features.drawings.deployment.sources import Source
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.digests import json_digest
from deepmed.kit.errors import ConflictError, IntegrityError, NotFoundError
from deepmed.learning.errors import LearningError
from deepmed.learning.reference import ReferenceModel, from_files

VERSION = 1
"""Raised when a package's contents change, so that an old export is not taken for a new one."""
ONNX_FILE, PT2_FILE = "model.onnx", "model.pt2"
NOBODY_KNOWN = (
    "Where this package is put into use, every child is new to it: nobody can be told from those "
    "whom the model learned from. Their drawings would be ranked as too typical, so do not analyse "
    "drawings by those children with it."
)
VECTORS = (
    "Nobody is named in this package, but its weights can hold the vectors of drawings that it "
    "learned from. Give it to those alone who may have them."
)
Find = Callable[[Session], Source]


class ModelExporter:
    """Service for exporting trained models in production-compatible format."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def export_model_from_training_job(
        self,
        training_job_id: int,
        age_group_min: float,
        age_group_max: float,
        export_format: str = "pytorch",
    ) -> ModelExportMetadata:
        """Export what a training job came to.

        Raises:
            ModelExportError: no such job, other ages, or a form that cannot be written.
        """
        form, ages = format_of(export_format), (age_group_min, age_group_max)
        return self._export(
            lambda session: training_runs.of_job(self.bench, session, training_job_id, ages), form
        )

    def export_model_direct(
        self, model_id: int, export_format: str = "pytorch"
    ) -> ModelExportMetadata:
        """Export a model of an age group; the same one a second time is there already.

        Raises:
            NotFoundError: there is no such model.
            ModelExportError: a form that cannot be written, or vectors of another encoder.
            ConflictError: the model changed while it was written.
        """
        form = format_of(export_format)
        return self._export(lambda session: sources.of_model(self.bench, session, model_id), form)

    def export_package(self, uid: str) -> ModelExportMetadata:
        """Export a model by the uid of its package, in the form that travels.

        Raises:
            ModelExportError: it belongs to no model.
        """
        return self._export(
            lambda session: sources.of_package(self.bench, session, uid), ModelExportFormat.PYTORCH
        )

    def export_run(self, artifact: Artifact, ages: tuple[float, float]) -> ModelExportMetadata:
        """Export what a training on a folder left in the registry, in the form that travels.

        Raises:
            ModelExportError: its drawings did not have these ages.
        """
        return self._export(
            lambda session: training_runs.of_run(self.bench, session, artifact, ages),
            ModelExportFormat.PYTORCH,
        )

    def list_exported_models(self) -> list[ModelExportMetadata]:
        """The newest first; what is damaged is left out, and `deepmed registry verify` names it."""
        with self.bench.database.read() as session:
            rows = repository.exports(session, self.bench.owner_id)
        found = []
        for row in rows:
            try:
                found.append(self.metadata(row))
            except (IntegrityError, ModelCompatibilityError, NotFoundError):
                continue
        return found

    def metadata(self, row: Artifact) -> ModelExportMetadata:
        return metadata_of(self.bench.registry.package(row.uid), row.manifest_hash)

    def _export(self, find: Find, form: ModelExportFormat) -> ModelExportMetadata:
        with self.bench.database.read() as session:
            source = find(session)
        row = self._write(source, form)
        with self.bench.database.read() as session:
            still = find(session)
        if still.version != source.version:  # somebody was deleted meanwhile
            self.bench.registry.delete(row.uid)
            raise ConflictError(
                "The model changed while it was exported: a drawing was deleted or given to "
                "another child. Nothing was kept. Export it again."
            )
        return self.metadata(row)

    def _write(self, source: Source, form: ModelExportFormat) -> Artifact:
        model = from_files(source.files)
        self._refuse_foreign(model)
        golden = Golden.make(model, source.ages, self.bench.encoding)
        told = described(model, source.version, form, source.training_job_id)
        files = {
            **source.files,
            EXPORT_FILE: json.dumps(told, indent=1, sort_keys=True).encode(),
            GOLDEN_FILE: golden.to_bytes(),
            **_program(model, form),
        }
        return self.bench.registry.publish(
            EXPORT_KIND,
            files,
            metrics=without_names(source.metrics),
            card={**source.card, "limits": [*source.card["limits"], NOBODY_KNOWN, VECTORS]},
            lineage={
                "recipe": source.recipe,
                "datasets": source.datasets,
                "parents": [source.uid],
                "trained": source.trained,
            },
            recipe_hash=_recipe_hash(source, form),
            configuration={"format": form.value, "version": source.version},
            seed=source.trained["seed"],
            data_hash=source.trained["data_hash"],
            leaving=form is ModelExportFormat.PT2,
        )

    def _refuse_foreign(self, model: ReferenceModel) -> None:
        present = self.bench.encoding.identity.key
        if model.encoder != present:
            raise ModelExportError(
                f"The model takes vectors of the encoder {model.encoder}, and the present one is "
                f"{present}, so the golden drawings cannot be embedded for it; nothing was "
                "exported. Set DEEPMED_ENCODER to the model's encoder."
            )


def _program(model: ReferenceModel, form: ModelExportFormat) -> dict[str, bytes]:
    """The score in the form that was asked for, beside the weights."""
    detector, layout, dimension = model.model.detector, model.layout, model.dimension
    try:
        if form is ModelExportFormat.ONNX:
            from deepmed.learning.export import to_onnx  # noqa: PLC0415 - only where asked for

            facts = {"encoder": model.encoder, "layout": layout.value, "detector": detector.name}
            return {ONNX_FILE: to_onnx(detector, layout, dimension, facts)}
        if form is ModelExportFormat.PT2:
            from deepmed.learning.export import to_pt2  # noqa: PLC0415 - only where asked for

            return {PT2_FILE: to_pt2(detector, layout, dimension)}
    except LearningError as error:
        raise ModelExportError(f"{error} Nothing was exported.") from error
    return {}


def _recipe_hash(source: Source, form: ModelExportFormat) -> str:
    content = {
        "export": VERSION,
        "of": source.uid,
        "ages": [source.ages.age_min, source.ages.age_max, source.ages.upper_closed],
        "version": source.version,
        "format": form.value,
        "job": source.training_job_id,
    }
    return json_digest(content)
