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
from deepmed.features.drawings.schemas.deployment import (
    DeployedModelInfo,
    DeployedModelsListResponse,
    EnhancedModelDeploymentRequest,
    ExportedModelInfo,
    ExportedModelsListResponse,
    ModelDeploymentRequest,
    ModelDeploymentResponse,
    ModelExportRequest,
    ModelExportResponse,
    ModelValidationResponse,
    ParametersDeployed,
    Undeployed,
    Validation,
    range_of_ages,
)
from deepmed.kit.errors import NotFoundError, ValidationError
from deepmed.kit.ids import LARGEST_ID

Ages = tuple[float | None, float | None]


def export(desk: Desk, asked: ModelExportRequest) -> ModelExportResponse:
    """Write a model for use elsewhere.

    Raises:
        ValidationError: neither a job nor a model is named, or a model with other ages than its.
        ModelExportError: it cannot be written so.
        NotFoundError: there is no such model.
    """
    exporter = ModelExporter(desk.bench)
    job_id, model_id = asked.training_job_id, asked.model_id
    if model_id is not None and job_id is None:
        _refuse_other_ages(desk, model_id, asked.ages)
        made = exporter.export_model_direct(model_id, asked.export_format)
    elif job_id is not None and model_id is None:
        low, high = range_of_ages(*asked.ages)
        number = job_id if 0 < job_id <= LARGEST_ID else 0  # no job has that id
        made = exporter.export_model_from_training_job(number, low, high, asked.export_format)
    else:
        raise ValidationError("Name either training_job_id or model_id; nothing was exported.")
    return ModelExportResponse(
        success=True,
        model_id=made.model_id,
        export_path=names.export_path(made.model_id, made.export_format),
        metadata=_metadata(made),
        message="The model is exported. Nobody is named in it; its weights can hold vectors of "
        "drawings.",
    )


def exports(desk: Desk) -> ExportedModelsListResponse:
    found = [_metadata(one) for one in ModelExporter(desk.bench).list_exported_models()]
    return ExportedModelsListResponse(success=True, count=len(found), models=found)


def export_file(desk: Desk, export_id: str) -> bytes:
    row = names.find_export(desk.bench, export_id)
    return PackageTransfer.of(desk.bench.registry, desk.home.settings.home / "keys").pack(row.uid)


def validate(desk: Desk, model_id: str) -> ModelValidationResponse:
    found = ModelValidator(desk.bench).validate_exported_model(model_id)
    return ModelValidationResponse(
        success=True,
        model_id=names.find(desk.bench, model_id).uid,
        validation_result=_validation(found),
        is_valid=found.is_valid,
        message="Everything is as it should be."
        if found.is_valid
        else "It cannot be deployed: see the errors.",
    )


def deploy(desk: Desk, asked: EnhancedModelDeploymentRequest) -> ModelDeploymentResponse:
    """Put an export into use.

    Raises:
        ModelDeploymentError: it does not exist, does not fit, or its ages are in use: the
            contract answers all of these with 400, and 409 where nothing was ever fitted.
    """
    low, high = asked.age_group_min, asked.age_group_max
    config = ModelDeploymentConfig(
        asked.model_export_path,
        low,
        high,
        replace_existing=asked.replace_existing,
        validate_before_deployment=asked.validate_before_deployment,
        backup_existing=asked.backup_existing,
    )
    try:
        made = _service(desk).deploy_model(config)
    except (NotFoundError, RangeInUseError) as error:
        raise ModelDeploymentError(error.message) from error
    return ModelDeploymentResponse(
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


def deploy_parameters(desk: Desk, request: ModelDeploymentRequest) -> ParametersDeployed:
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


def deployed(desk: Desk) -> DeployedModelsListResponse:
    found = [DeployedModelInfo(**one) for one in _service(desk).list_deployed_models()]
    return DeployedModelsListResponse(success=True, count=len(found), models=found)


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


def _refuse_other_ages(desk: Desk, model_id: int, ages: Ages) -> None:
    """The ages need not be said of a model; where they are, they must be its own."""
    if not 0 < model_id <= LARGEST_ID:
        raise NotFoundError(f"There is no model {model_id}.")
    if ages == (None, None):
        return
    with desk.bench.database.read() as session:
        row = desk.models.get(session, model_id)
    if (row.age_min, row.age_max) != ages:
        raise ValidationError(
            f"Model {model_id} is for {row.age_min:g}-{row.age_max:g}; nothing was exported."
        )


def _metadata(found: ModelExportMetadata) -> ExportedModelInfo:
    return ExportedModelInfo.model_validate(found.to_dict())


def _validation(found: ValidationResult) -> Validation:
    values: dict[str, Any] = found.to_dict()
    return Validation(**values)
