"""Exported and deployed models on the wire (contract 2.5 and 3.5)."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE
from deepmed.features.drawings.schemas.fields import Number


class ExportMetadata(BaseModel):
    model_id: str
    """The export's id, by which it is validated, deployed and fetched."""
    export_timestamp: datetime
    training_job_id: int | None
    """Null where a model was exported by its own id."""
    model_type: str
    model_version: str
    architecture_hash: str
    parameter_count: int = Field(ge=0)
    input_dimension: int = Field(ge=1)
    output_dimension: int = Field(ge=1)
    age_group_min: float
    age_group_max: float
    training_metrics: dict[str, Any]
    compatibility_version: str
    export_format: str
    file_size_bytes: int = Field(ge=0)
    checksum: str


class Exported(BaseModel):
    success: bool
    model_id: str
    export_path: str
    """A name for `model_export_path`; no file lies in the store under it."""
    metadata: ExportMetadata
    message: str


class ExportList(BaseModel):
    success: bool
    count: int
    models: list[ExportMetadata]


class Validation(BaseModel):
    is_valid: bool
    errors: list[str]
    warnings: list[str]
    compatibility_checks: dict[str, bool]
    integrity_checks: dict[str, bool]
    performance_checks: dict[str, float]


class Validated(BaseModel):
    success: bool
    model_id: str
    validation_result: Validation
    is_valid: bool
    message: str


class Deployed(BaseModel):
    success: bool
    model_id: int
    """Of the model in use, as `undeploy` takes it."""
    export_id: str
    deployment_path: str
    backup_path: str | None
    """Of what was in use before: a name that can be deployed again."""
    validation_result: Validation | None
    database_updated: bool
    warnings: list[str]
    message: str


class DeploymentInfo(BaseModel):
    artifact: str
    encoder: str
    deployed_at: datetime | None
    export_id: str | None
    """The export that it was deployed from; null where training put it into use."""
    imported: bool
    needs_retraining: bool


class DeployedModel(BaseModel):
    id: int
    age_min: float
    age_max: float
    model_type: str
    vision_model: str
    threshold: float | None
    """Null where so few children do not support the percentile."""
    created_timestamp: datetime
    deployment_info: DeploymentInfo


class DeployedList(BaseModel):
    success: bool
    count: int
    models: list[DeployedModel]


class Undeployed(BaseModel):
    success: bool
    model_id: int
    status: str
    message: str


class ParametersDeployment(BaseModel):
    """What a training left, to be put into use."""

    model_parameters_path: str = Field(max_length=500)
    age_group_min: Number = Field(ge=MIN_AGE, le=MAX_AGE)
    age_group_max: Number = Field(ge=MIN_AGE, le=MAX_AGE)
    replace_existing: bool = False

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.age_group_max <= self.age_group_min:
            raise ValueError("age_group_max must be above age_group_min")
        return self


class ParametersDeployed(BaseModel):
    model_id: int
    age_group_min: float
    age_group_max: float
    model_path: str
    replaced_existing: bool
    status: str
