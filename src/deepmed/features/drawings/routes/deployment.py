"""Models that leave, and models that come into use (contract 2.5, second half)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from deepmed.features.drawings import answers
from deepmed.features.drawings.desk import CallersDesk
from deepmed.features.drawings.schemas.deployment import (
    DeployedModelsListResponse,
    EnhancedModelDeploymentRequest,
    ExportedModelsListResponse,
    ModelDeploymentRequest,
    ModelDeploymentResponse,
    ModelExportRequest,
    ModelExportResponse,
    ModelValidationResponse,
    ParametersDeployed,
    Undeployed,
)
from deepmed.features.drawings.schemas.fields import ObjectId, Uid
from deepmed.kit.http.attachments import attachment

router = APIRouter(prefix="/training", tags=["training"])
ZIP = "application/zip"
PACKAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {ZIP: {}}, "description": "The package"}
}
Name = Annotated[str, Query(max_length=500)]


@router.post("/deploy")
def deploy_parameters(desk: CallersDesk, request: ModelDeploymentRequest) -> ParametersDeployed:
    """Put what a training left into use, by its name."""
    return answers.deployment.deploy_parameters(desk, request)


@router.post("/models/export")
def export_model(
    desk: CallersDesk, asked: Annotated[ModelExportRequest, Query()]
) -> ModelExportResponse:
    """Write a model for use elsewhere: what a training job came to, or a model by its id."""
    return answers.deployment.export(desk, asked)


@router.get("/models/exports")
def list_exports(desk: CallersDesk) -> ExportedModelsListResponse:
    return answers.deployment.exports(desk)


@router.get("/models/exports/{package_id}/file", response_class=Response, responses=PACKAGE)
def export_file(desk: CallersDesk, package_id: Uid) -> Response:
    """The whole package, as `deepmed registry import` takes it in on another installation."""
    content = answers.deployment.export_file(desk, package_id)
    headers = attachment(f"model-{package_id}.zip", "no-store")
    return Response(content, media_type=ZIP, headers=headers)


@router.post("/models/validate")
def validate_export(desk: CallersDesk, model_id: Name) -> ModelValidationResponse:
    return answers.deployment.validate(desk, model_id)


@router.post("/models/deploy")
def deploy_export(
    desk: CallersDesk, asked: Annotated[EnhancedModelDeploymentRequest, Query()]
) -> ModelDeploymentResponse:
    """Put an exported model into use; no analysis finds none meanwhile."""
    return answers.deployment.deploy(desk, asked)


@router.get("/models/deployed")
def list_deployed(desk: CallersDesk) -> DeployedModelsListResponse:
    return answers.deployment.deployed(desk)


@router.post("/models/{model_id}/undeploy")
def undeploy_model(desk: CallersDesk, model_id: ObjectId) -> Undeployed:
    """Take a model out of use; it is kept."""
    return answers.deployment.undeploy(desk, model_id)
