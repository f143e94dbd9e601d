"""ModelExportResponse and deployed models on the wire (contract 2.5 and 3.5)."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE
from deepmed.features.drawings.schemas.fields import Number
from deepmed.kit.errors import ValidationError


class ExportedModelInfo(BaseModel):
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


class ModelExportRequest(BaseModel):
    """Which model to write: what a training job came to, or a model by its id."""

    training_job_id: int | None = None
    model_id: int | None = None
    age_group_min: Number | None = None
    age_group_max: Number | None = None
    export_format: str = Field("pytorch", max_length=40)

    @model_validator(mode="after")
    def validate_age_range(self) -> Self:
        """Raises ValidationError, which a client is told as 400, where ages are no range.

        Of a model they need not be said, so then both may be missing.
        """
        if self.training_job_id is not None or self.ages != (None, None):
            range_of_ages(*self.ages)
        return self

    @property
    def ages(self) -> tuple[float | None, float | None]:
        return self.age_group_min, self.age_group_max


class EnhancedModelDeploymentRequest(BaseModel):
    """An export that is to be put into use."""

    model_export_path: str = Field(max_length=500)
    age_group_min: Number
    age_group_max: Number
    replace_existing: bool = False
    validate_before_deployment: bool = True
    backup_existing: bool = True

    @model_validator(mode="after")
    def validate_age_range(self) -> Self:
        """Raises ValidationError, which a client is told as 400, where ages are no range."""
        range_of_ages(self.age_group_min, self.age_group_max)
        return self


def range_of_ages(low: float | None, high: float | None) -> tuple[float, float]:
    """Ages that rise and that a child here can have.

    Raises:
        ValidationError: they do not.
    """
    if low is None or high is None or not MIN_AGE <= low < high <= MAX_AGE:
        raise ValidationError(
            f"age_group_min and age_group_max must rise and lie between {MIN_AGE:g} and "
            f"{MAX_AGE:g}; nothing was changed."
        )
    return low, high


class ModelExportResponse(BaseModel):
    success: bool
    model_id: str
    export_path: str
    """A name for `model_export_path`; no file lies in the store under it."""
    metadata: ExportedModelInfo
    message: str


class ExportedModelsListResponse(BaseModel):
    success: bool
    count: int
    models: list[ExportedModelInfo]


class Validation(BaseModel):
    is_valid: bool
    errors: list[str]
    warnings: list[str]
    compatibility_checks: dict[str, bool]
    integrity_checks: dict[str, bool]
    performance_checks: dict[str, float]


class ModelValidationResponse(BaseModel):
    success: bool
    model_id: str
    validation_result: Validation
    is_valid: bool
    message: str


class ModelDeploymentResponse(BaseModel):
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


class DeployedModelInfo(BaseModel):
    id: int
    age_min: float
    age_max: float
    model_type: str
    vision_model: str
    threshold: float | None
    """Null where so few children do not support the percentile."""
    created_timestamp: datetime
    deployment_info: DeploymentInfo


class DeployedModelsListResponse(BaseModel):
    success: bool
    count: int
    models: list[DeployedModelInfo]


class Undeployed(BaseModel):
    success: bool
    model_id: int
    status: str
    message: str


class ModelDeploymentRequest(BaseModel):
    """What a training left, to be put into use."""

    model_parameters_path: str = Field(max_length=500)
    age_group_min: Number = Field(ge=MIN_AGE, le=MAX_AGE)
    age_group_max: Number = Field(ge=MIN_AGE, le=MAX_AGE)
    replace_existing: bool = False

    @model_validator(mode="after")
    def validate_age_range(self) -> Self:
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
