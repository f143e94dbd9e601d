"""Exported models put into use, seen there, and taken out of it again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.registry import deployments
from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact, Deployment
from deepmed.features.drawings.deployment import names, repository
from deepmed.features.drawings.deployment.errors import (
    ModelCompatibilityError,
    ModelValidationError,
    NoFittedWeightsError,
    RangeInUseError,
)
from deepmed.features.drawings.deployment.exporter import ModelExporter
from deepmed.features.drawings.deployment.formats import EXPORT_KIND
from deepmed.features.drawings.deployment.identities import names_somebody
from deepmed.features.drawings.deployment.metadata import ages_of
from deepmed.features.drawings.deployment.rows import imported_row
from deepmed.features.drawings.deployment.validator import (
    WEIGHTS,
    ModelValidator,
    ValidationResult,
)
from deepmed.features.drawings.models import repository as models
from deepmed.features.drawings.models.activation import put_into_use
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.ranges import AgeRange, range_of
from deepmed.features.drawings.models.use import ModelUse
from deepmed.features.drawings.tables import AgeGroupModel
from deepmed.features.drawings.thresholds.manager import ThresholdManager
from deepmed.features.drawings.training.storing import ARTIFACT_KIND as TRAINING_KIND
from deepmed.features.drawings.workbench import Workbench
from deepmed.learning.errors import LearningError
from deepmed.learning.reference import ReferenceModel, from_files
from deepmed.learning.reference.files import HEADER


@dataclass(frozen=True)
class ModelDeploymentConfig:
    """Configuration for model deployment."""

    model_export_path: str
    """The id of an export, or the name that its answer gave it; never a path."""
    age_group_min: float
    age_group_max: float
    replace_existing: bool = False
    validate_before_deployment: bool = True
    backup_existing: bool = True

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ModelDeployment:
    """What a deployment did."""

    model_id: int
    export_id: str
    artifact: str
    """The package that answers now."""
    replaced: list[int]
    backup: str | None
    """Under which name what was in use before can be deployed again."""
    validation: ValidationResult | None
    warnings: list[str]


class ModelDeploymentService:
    """Service for deploying models to production environment."""

    def __init__(self, bench: Workbench, manager: ModelManager | None = None) -> None:
        self.bench = bench
        self.models = manager or ModelManager(bench)

    def deploy_model(self, config: ModelDeploymentConfig) -> ModelDeployment:
        """Put an exported model into use, in one transaction: no request finds none meanwhile.

        Where the model that was exported is at hand it is used itself, because it knows its
        children. Elsewhere the package becomes a model to which every child is new.

        Raises:
            NotFoundError: there is no such export.
            PathRefusedError: its name is a path.
            NoFittedWeightsError: the package holds none.
            ModelCompatibilityError: other ages, or an encoder that is not the present one.
            ModelValidationError: the check found something wrong.
            RangeInUseError: a model is in use for these ages, and `replace_existing` is not set.
        """
        artifact = self._exported(config)
        package = self.bench.registry.package(artifact.uid)
        _refuse_unfitted(package.files)
        _refuse_other_ages(package, config)
        self._refuse_foreign(_loaded(package))
        _refuse_names(artifact, package)
        validation = self._validated(artifact) if config.validate_before_deployment else None
        with self.bench.database.write() as session:
            row = self._row(session, artifact, package)
            replaced = self._replaced(session, row, replace=config.replace_existing)
            notes = put_into_use(session, self.bench.owner_id, [row])
            deployments.describe(session, row.artifact_id, **_told(artifact))
            used = session.get_one(Artifact, row.artifact_id).uid
            backups = [session.get_one(Artifact, one.artifact_id).uid for one in replaced]
        return ModelDeployment(
            model_id=row.id,
            export_id=artifact.uid,
            artifact=used,
            replaced=[one.id for one in replaced],
            backup=names.artifact_path(backups[0]) if backups and config.backup_existing else None,
            validation=validation,
            warnings=[*(validation.warnings if validation else []), *notes, *_stale(row)],
        )

    def ages_of(self, name: str) -> AgeRange:
        """The ages that an export is for.

        Raises:
            NotFoundError: there is no such export.
        """
        return ages_of(self.bench.registry.package(names.find(self.bench, name).uid).manifest)

    def list_deployed_models(self) -> list[dict[str, Any]]:
        """The models in use, by age, and how each came there."""
        thresholds = ThresholdManager(self.bench, self.models)
        with self.bench.database.read() as session:
            rows = self.models.active(session)
            known = deployments.current(session, [row.artifact_id for row in rows])
            return [
                {
                    "id": row.id,
                    "age_min": row.age_min,
                    "age_max": row.age_max,
                    "model_type": row.model_type,
                    "vision_model": row.vision_model.partition("@")[0],
                    "threshold": thresholds.statistics(session, row)["threshold"],
                    "created_timestamp": row.created_timestamp,
                    "deployment_info": self._info(session, row, known.get(row.artifact_id)),
                }
                for row in rows
            ]

    def undeploy_model(self, model_id: int) -> AgeGroupModel:
        """Take a model out of use; it, its package and all analyses are kept.

        Raises:
            NotFoundError: there is no such model.
        """
        with self.bench.database.write() as session:
            return ModelUse(self.bench, self.models).deactivate(session, model_id)

    def _info(
        self, session: Session, row: AgeGroupModel, deployment: Deployment | None
    ) -> dict[str, Any]:
        artifact = session.get_one(Artifact, row.artifact_id)
        details = deployment.details if deployment else {}
        return {
            "artifact": artifact.uid,
            "encoder": row.vision_model,
            "deployed_at": deployment.deployed_at if deployment else None,
            "export_id": details.get("export"),
            "imported": "imported" in artifact.lineage,
            "needs_retraining": row.needs_retraining,
        }

    def _exported(self, config: ModelDeploymentConfig) -> Artifact:
        """What is named; of a training on a folder, its export for these ages."""
        found = names.find(self.bench, config.model_export_path)
        if found.kind != TRAINING_KIND:
            return found
        ages = config.age_group_min, config.age_group_max
        made = ModelExporter(self.bench).export_run(found, ages)
        return self.bench.registry.find(made.model_id)

    def _validated(self, artifact: Artifact) -> ValidationResult:
        found = ModelValidator(self.bench).validate(artifact)
        if not found.is_valid:
            raise ModelValidationError(
                f"The check of the model found: {' '.join(found.errors)} It was not put into use.",
                errors=found.errors,
            )
        return found

    def _refuse_foreign(self, model: ReferenceModel) -> None:
        # Asked without a check too: a foreign model in use would fail every analysis.
        present = self.bench.encoding.identity.key
        if model.encoder != present:
            raise ModelCompatibilityError(
                f"The model takes vectors of the encoder {model.encoder}, and the present one is "
                f"{present}; nothing was changed. Set DEEPMED_ENCODER to the model's encoder."
            )

    def _row(self, session: Session, artifact: Artifact, package: Package) -> AgeGroupModel:
        owner = self.bench.owner_id
        original = repository.original_of(session, artifact) or artifact
        for package_id in (original.id, artifact.id):
            there = repository.model_of_artifact(session, owner, package_id)
            if there is not None:
                return there
        if artifact.kind != EXPORT_KIND:
            raise ModelCompatibilityError(
                f"The package {artifact.uid} belongs to no model any more; nothing was changed. "
                "Train again, or deploy an export."
            )
        return models.add(session, imported_row(owner, artifact, package), ())

    def _replaced(
        self, session: Session, row: AgeGroupModel, *, replace: bool
    ) -> list[AgeGroupModel]:
        """The models that give way: of one kind, those of the other stay beside."""
        ages = range_of(row)
        overlapping = [
            one
            for one in self.models.active(session)
            if one.kind == row.kind and range_of(one).overlaps(ages)
        ]
        if overlapping and not replace:
            named = ", ".join(f"{one.id} for {range_of(one).words}" for one in overlapping)
            raise RangeInUseError(
                f"In use for these ages: model {named}; nothing was changed. Undeploy it, or set "
                "replace_existing.",
                models=[one.id for one in overlapping],
            )
        return [one for one in overlapping if one.id != row.id]


def _refuse_unfitted(files: Mapping[str, bytes]) -> None:
    if HEADER not in files or WEIGHTS not in files:
        raise NoFittedWeightsError


def _loaded(package: Package) -> ReferenceModel:
    try:
        return from_files(package.files)
    except LearningError as error:
        raise ModelCompatibilityError(f"{error} Nothing was changed.") from error


def _refuse_names(artifact: Artifact, package: Package) -> None:
    # Asked without a check too: a child here would pass for one that took part in the model.
    reason = names_somebody(package.files) if artifact.kind == EXPORT_KIND else None
    if reason:
        raise ModelCompatibilityError(f"{reason} Nothing was changed.")


def _refuse_other_ages(package: Package, config: ModelDeploymentConfig) -> None:
    ages = ages_of(package.manifest)
    if (ages.age_min, ages.age_max) != (config.age_group_min, config.age_group_max):
        raise ModelCompatibilityError(
            f"The model was fitted and calibrated on {ages.words}, so it says nothing of "
            f"{config.age_group_min:g}-{config.age_group_max:g}; nothing was changed."
        )


def _told(artifact: Artifact) -> dict[str, Any]:
    return {"export": artifact.uid} if artifact.kind == EXPORT_KIND else {}


def _stale(row: AgeGroupModel) -> list[str]:
    if not row.needs_retraining:
        return []
    return ["Drawings were deleted or changed since the model was trained: train it again."]
