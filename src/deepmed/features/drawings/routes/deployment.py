"""Models that leave, and models that come into use (contract 2.5, second half)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.deployment import (
    Deployed,
    DeployedList,
    Exported,
    ExportList,
    ParametersDeployed,
    ParametersDeployment,
    Undeployed,
    Validated,
)
from deepmed.features.drawings.schemas.fields import Number, ObjectId, Uid

router = APIRouter(prefix="/training", tags=["training"])
ZIP = "application/zip"
PACKAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {ZIP: {}}, "description": "The package"}
}
Name = Annotated[str, Query(max_length=500)]


@router.post("/deploy")
def deploy_parameters(desk: CallersDesk, request: ParametersDeployment) -> ParametersDeployed:
    """Put what a training left into use, by its name."""
    return answers.deployment.deploy_parameters(desk, request)


@router.post("/models/export")
def export_model(
    desk: CallersDesk,
    *,
    training_job_id: int | None = None,
    model_id: int | None = None,
    age_group_min: Number | None = None,
    age_group_max: Number | None = None,
    export_format: Annotated[str, Query(max_length=40)] = "pytorch",
) -> Exported:
    """Write a model for use elsewhere: what a training job came to, or a model by its id."""
    ages = (age_group_min, age_group_max)
    return answers.deployment.export(desk, training_job_id, model_id, ages, export_format)


@router.get("/models/exports")
def list_exports(desk: CallersDesk) -> ExportList:
    return answers.deployment.exports(desk)


@router.get("/models/exports/{package_id}/file", response_class=Response, responses=PACKAGE)
def export_file(desk: CallersDesk, package_id: Uid) -> Response:
    """The whole package, as `deepmed registry import` takes it in on another installation."""
    headers = {
        "Content-Disposition": f'attachment; filename="model-{package_id}.zip"',
        "Cache-Control": "no-store",
    }
    content = answers.deployment.export_file(desk, package_id)
    return Response(content, media_type=ZIP, headers=headers)


@router.post("/models/validate")
def validate_export(desk: CallersDesk, model_id: Name) -> Validated:
    return answers.deployment.validate(desk, model_id)


@router.post("/models/deploy")
def deploy_export(
    desk: CallersDesk,
    model_export_path: Name,
    age_group_min: Number,
    age_group_max: Number,
    *,
    replace_existing: bool = False,
    validate_before_deployment: bool = True,
    backup_existing: bool = True,
) -> Deployed:
    """Put an exported model into use; no analysis finds none meanwhile."""
    return answers.deployment.deploy(
        desk,
        model_export_path,
        (age_group_min, age_group_max),
        replace_existing=replace_existing,
        validate_before_deployment=validate_before_deployment,
        backup_existing=backup_existing,
    )


@router.get("/models/deployed")
def list_deployed(desk: CallersDesk) -> DeployedList:
    return answers.deployment.deployed(desk)


@router.post("/models/{model_id}/undeploy")
def undeploy_model(desk: CallersDesk, model_id: ObjectId) -> Undeployed:
    """Take a model out of use; it is kept."""
    return answers.deployment.undeploy(desk, model_id)
