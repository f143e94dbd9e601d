"""Configuration on the wire (contract 2.6, 3.5)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class SuccessResponse(BaseModel):
    success: bool = True
    message: str
    data: dict[str, Any] | None = None


class SystemConfigurationResponse(BaseModel):
    vision_model: str
    anomaly_detection_method: str
    threshold_percentile: float | None
    """Null where every model has a threshold set by hand."""
    age_grouping_strategy: str
    min_samples_per_group: int = Field(ge=10)
    max_age_group_span: float = Field(gt=0, le=16)


class ConfigurationUpdateRequest(BaseModel):
    threshold_percentile: float | None = Field(None, ge=50, le=99.9)
    age_grouping_strategy: Literal["yearly", "custom"] | None = None
    min_samples_per_group: int | None = Field(None, ge=10, le=10_000)
    max_age_group_span: float | None = Field(None, gt=0, le=16)


class HealthCheckResponse(BaseModel):
    status: str
    timestamp: datetime
    version: str
    database: str
    models: str
    storage: str


class GroupCount(BaseModel):
    age_start: float
    age_end: float
    sample_count: int
    sufficient_data: bool


class AgeDistribution(BaseModel):
    total_drawings: int
    age_range: list[float] | None
    mean_age: float | None
    age_groups: list[GroupCount]


class ThresholdStatistics(BaseModel):
    total_models: int
    threshold_range: list[float] | None
    mean_threshold: float | None
    std_threshold: float | None
    model_thresholds: list[dict[str, Any]]


class Coverage(BaseModel):
    total_models: int
    age_ranges: list[list[float]]
    coverage_gaps: list[list[float]]
    total_coverage: list[float] | None
    models: list[dict[str, Any]]


class Validation(BaseModel):
    total_models: int
    valid_models: int
    insufficient_data_models: int
    warnings: list[str]
    errors: list[str]


class SystemHealth(BaseModel):
    total_models: int
    coverage_gaps: int
    validation_warnings: int
    validation_errors: int


class ConfigurationStatistics(BaseModel):
    age_distribution: AgeDistribution
    threshold_statistics: ThresholdStatistics
    age_group_coverage: Coverage
    validation_results: Validation
    system_health: SystemHealth


class SubjectCategory(BaseModel):
    category: str
    display_name: str
    usage_count: int
    is_default: bool


class SubjectsResponse(BaseModel):
    supported_categories: list[SubjectCategory]
    total_categories: int
    statistics: dict[str, Any]
    subject_aware_analysis: dict[str, Any]


class ThresholdPreview(BaseModel):
    """What a rule would do to each model and to the drawings analysed so far."""

    effects: list[dict[str, Any]]
