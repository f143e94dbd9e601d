"""What the routes of exported and deployed models answer, put together from the services."""

from typing import Any

from deepmed.core.registry.transfer import PackageTransfer
from deepmed.features.drawings.deployment import names
from deepmed.features.drawings.deployment.errors import ModelDeploymentError, RangeInUseError
from deepmed.features.drawings.deployment.exporter import ModelExporter
from deepmed.features.drawings.deployment.metadata import ModelExportMetadata
from deepmed.features.drawings.deployment.service import (
    ModelDeploymentConfig,
    ModelDeploymentService,
)
from deepmed.features.drawings.deployment.validator import ModelValidator, ValidationResult
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE
from deepmed.features.drawings.schemas.deployment import (
    Deployed,
    DeployedList,
    DeployedModel,
    Exported,
    ExportList,
    ExportMetadata,
    ParametersDeployed,
    ParametersDeployment,
    Undeployed,
    Validated,
    Validation,
)
from deepmed.features.drawings.schemas.fields import LARGEST_ID
from deepmed.kit.errors import NotFoundError, ValidationError

Ages = tuple[float | None, float | None]


def export(
    desk: Desk, job_id: int | None, model_id: int | None, ages: Ages, export_format: str
) -> Exported:
    """Write a model for use elsewhere.

    Raises:
        ValidationError: neither a job nor a model is named, or no range of ages.
        ModelExportError: it cannot be written so.
        NotFoundError: there is no such model.
    """
    exporter = ModelExporter(desk.bench)
    if model_id is not None and job_id is None:
        _refuse_other_ages(desk, model_id, ages)
        made = exporter.export_model_direct(model_id, export_format)
    elif job_id is not None and model_id is None:
        low, high = _range(ages)
        number = job_id if 0 < job_id <= LARGEST_ID else 0  # no job has that id
        made = exporter.export_model_from_training_job(number, low, high, export_format)
    else:
        raise ValidationError("Name either training_job_id or model_id; nothing was exported.")
    return Exported(
        success=True,
        model_id=made.model_id,
        export_path=names.export_path(made.model_id, made.export_format),
        metadata=_metadata(made),
        message="The model is exported. Nobody is named in it; its weights can hold vectors of "
        "drawings.",
    )


def exports(desk: Desk) -> ExportList:
    found = [_metadata(one) for one in ModelExporter(desk.bench).list_exported_models()]
    return ExportList(success=True, count=len(found), models=found)


def export_file(desk: Desk, export_id: str) -> bytes:
    row = names.find_export(desk.bench, export_id)
    return PackageTransfer.of(desk.bench.registry, desk.home.settings.home / "keys").pack(row.uid)


def validate(desk: Desk, model_id: str) -> Validated:
    found = ModelValidator(desk.bench).validate_exported_model(model_id)
    return Validated(
        success=True,
        model_id=names.find(desk.bench, model_id).uid,
        validation_result=_validation(found),
        is_valid=found.is_valid,
        message="Everything is as it should be."
        if found.is_valid
        else "It cannot be deployed: see the errors.",
    )


def deploy(desk: Desk, name: str, ages: tuple[float, float], **wishes: bool) -> Deployed:
    """Put an export into use.

    Raises:
        ModelDeploymentError: it does not exist, does not fit, or its ages are in use: the
            contract answers all of these with 400, and 409 where nothing was ever fitted.
    """
    low, high = _range(ages)
    config = ModelDeploymentConfig(name, low, high, **wishes)
    try:
        made = _service(desk).deploy_model(config)
    except (NotFoundError, RangeInUseError) as error:
        raise ModelDeploymentError(error.message) from error
    return Deployed(
        success=True,
        model_id=made.model_id,
        export_id=made.export_id,
        deployment_path=names.artifact_path(made.artifact),
        backup_path=made.backup,
        validation_result=made.validation and _validation(made.validation),
        database_updated=True,
        warnings=made.warnings,
        message=f"Model {made.model_id} is in use for ages {low:g}-{high:g}."
        + (" What was in use before is kept, out of use." if made.replaced else ""),
    )


def deploy_parameters(desk: Desk, request: ParametersDeployment) -> ParametersDeployed:
    """Put into use what a training left, by its name; errors are the service's own."""
    config = ModelDeploymentConfig(
        request.model_parameters_path,
        request.age_group_min,
        request.age_group_max,
        replace_existing=request.replace_existing,
    )
    made = _service(desk).deploy_model(config)
    return ParametersDeployed(
        model_id=made.model_id,
        age_group_min=request.age_group_min,
        age_group_max=request.age_group_max,
        model_path=names.artifact_path(made.artifact),
        replaced_existing=bool(made.replaced),
        status="deployed",
    )


def deployed(desk: Desk) -> DeployedList:
    found = [DeployedModel(**one) for one in _service(desk).list_deployed_models()]
    return DeployedList(success=True, count=len(found), models=found)


def undeploy(desk: Desk, model_id: int) -> Undeployed:
    _service(desk).undeploy_model(model_id)
    return Undeployed(
        success=True,
        model_id=model_id,
        status="undeployed",
        message="The model is out of use; it, its package and all analyses are kept.",
    )


def _service(desk: Desk) -> ModelDeploymentService:
    return ModelDeploymentService(desk.bench, desk.models)


def _range(ages: Ages) -> tuple[float, float]:
    low, high = ages
    if low is None or high is None or not MIN_AGE <= low < high <= MAX_AGE:
        raise ValidationError(
            f"age_group_min and age_group_max must rise and lie between {MIN_AGE:g} and "
            f"{MAX_AGE:g}; nothing was changed."
        )
    return low, high


def _refuse_other_ages(desk: Desk, model_id: int, ages: Ages) -> None:
    """The ages need not be said of a model; where they are, they must be its own."""
    if not 0 < model_id <= LARGEST_ID:
        raise NotFoundError(f"There is no model {model_id}.")
    if ages == (None, None):
        return
    with desk.bench.database.read() as session:
        row = desk.models.get(session, model_id)
    if (row.age_min, row.age_max) != _range(ages):
        raise ValidationError(
            f"Model {model_id} is for {row.age_min:g}-{row.age_max:g}; nothing was exported."
        )


def _metadata(found: ModelExportMetadata) -> ExportMetadata:
    return ExportMetadata.model_validate(found.to_dict())


def _validation(found: ValidationResult) -> Validation:
    values: dict[str, Any] = found.to_dict()
    return Validation(**values)
