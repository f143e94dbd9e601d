"""Models and their data on the wire (contract 3.5)."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE

AUTOENCODER = "autoencoder"


class ModelTrainingRequest(BaseModel):
    """Unknown fields are ignored, as clients of the original send some."""

    age_min: float = Field(ge=MIN_AGE, le=MAX_AGE)
    age_max: float = Field(ge=MIN_AGE, le=MAX_AGE)
    model_type: str = Field(
        AUTOENCODER, max_length=40, description="A detector, or auto: planted ones decide"
    )
    vision_model: str | None = Field(None, description="The encoder; it must be the present one")
    min_samples: int = Field(50, ge=10)
    upper_closed: bool | None = Field(
        None, description="Whether age_max itself belongs to the group; at 12 and 18 by default"
    )
    candidate: bool = Field(
        default=False, description="Leave the new model inactive beside the active ones"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.age_max <= self.age_min:
            raise ValueError("age_max must be above age_min")
        return self


class TrainingAccepted(BaseModel):
    job_id: str
    age_range: tuple[float, float]
    status: str
    sample_count: int
    progress_url: str


class TrainingStatus(BaseModel):
    job_id: str
    age_range: tuple[float, float]
    status: str
    progress: int = Field(ge=0, le=100)
    message: str
    model_id: int | None
    error: str | None


class AgeGroupModelResponse(BaseModel):
    id: int
    age_min: float
    age_max: float
    upper_closed: bool
    model_type: str
    vision_model: str
    sample_count: int = Field(ge=0)
    threshold: float | None
    """Null where so few children do not support the percentile."""
    status: str
    created_timestamp: datetime
    is_active: bool
    needs_retraining: bool
    percentile: float | None
    attained_level: float | None
    children: dict[str, int]


class ModelListResponse(BaseModel):
    models: list[AgeGroupModelResponse]
    total_count: int
    active_count: int
    training_count: int


class ModelStatusResponse(BaseModel):
    total_models: int = Field(ge=0)
    active_models: int = Field(ge=0)
    training_models: int = Field(ge=0)
    failed_models: int = Field(ge=0)
    total_drawings: int = Field(ge=0)
    total_analyses: int = Field(ge=0)
    system_status: str
    last_training: datetime | None


class ThresholdUpdateRequest(BaseModel):
    threshold: float | None = Field(None, gt=0)
    percentile: float | None = Field(None, ge=50, le=99.9)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.threshold is None and self.percentile is None:
            raise ValueError("give a percentile or a threshold")
        return self


class ThresholdUpdated(BaseModel):
    model_id: int
    age_range: tuple[float, float]
    old_threshold: float | None
    new_threshold: float | None
    percentile_used: float | None
    updated_at: datetime


class AutoCreated(BaseModel):
    message: str | None = None
    existing_models: int | None = None
    job_id: str | None = None
    status: str | None = None
    force_recreate: bool | None = None
    progress_url: str | None = None


class CreationStatus(BaseModel):
    job_id: str
    status: str
    message: str


class Deactivated(BaseModel):
    model_id: int
    status: str
    message: str


class SufficiencyAnalysis(BaseModel):
    success: bool
    age_groups_analyzed: int
    analysis_results: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    merging_suggestions: list[dict[str, Any]]
    summary: dict[str, int]


class GroupSufficiency(BaseModel):
    success: bool
    age_group: dict[str, float]
    data_analysis: dict[str, Any]
    augmentation_suggestions: dict[str, Any]
    recommendations: dict[str, Any]


class MergeRequest(BaseModel):
    original_groups: list[tuple[float, float]] = Field(min_length=1, max_length=20)
    merged_group: tuple[float, float]


class Merged(BaseModel):
    success: bool
    merged_model_id: int
    merged_age_group: tuple[float, float]
    deactivated_models: list[int]
    combined_sample_count: int
    message: str


class SufficiencyWarnings(BaseModel):
    success: bool
    total_warnings: int
    severity_filter: str | None
    warnings: list[dict[str, Any]]
    warnings_by_type: dict[str, list[dict[str, Any]]]
    severity_counts: dict[str, int]
