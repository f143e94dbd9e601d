"""Configuration on the wire (contract 2.6, 3.5)."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from deepmed.features.drawings.schemas.fields import Number
from deepmed.features.drawings.schemas.models import AgeGroupingStrategy


class SuccessResponse(BaseModel):
    success: bool = True
    message: str
    data: dict[str, Any] | None = None


class SystemConfigurationResponse(BaseModel):
    vision_model: str
    anomaly_detection_method: str
    threshold_percentile: float | None
    """Null where every model has a threshold set by hand."""
    age_grouping_strategy: AgeGroupingStrategy
    min_samples_per_group: int = Field(ge=10)
    max_age_group_span: float = Field(gt=0, le=16)
    subject_aware_analysis: bool
    """Whether subjects take part in analyses: in their part, and in models that see them."""
    supported_subjects: list[str]


class ConfigurationUpdateRequest(BaseModel):
    threshold_percentile: Number | None = Field(None, ge=50, le=99.9)
    age_grouping_strategy: AgeGroupingStrategy | None = None
    min_samples_per_group: int | None = Field(None, ge=10, le=10_000)
    max_age_group_span: Number | None = Field(None, gt=0, le=16)


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


class ModelThreshold(BaseModel):
    model_id: int
    age_range: tuple[float, float]
    threshold: float | None
    sample_count: int


class ThresholdStatistics(BaseModel):
    total_models: int
    threshold_range: list[float] | None
    mean_threshold: float | None
    std_threshold: float | None
    model_thresholds: list[ModelThreshold]


class CoveringModel(BaseModel):
    id: int
    age_range: tuple[float, float]
    sample_count: int
    threshold: float | None


class Coverage(BaseModel):
    total_models: int
    age_ranges: list[list[float]]
    coverage_gaps: list[list[float]]
    total_coverage: list[float] | None
    models: list[CoveringModel]


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


class RuleEffect(BaseModel):
    """What a rule does to one model and to the drawings that it was asked about so far."""

    percentile: float | None
    threshold: float | None
    supported: bool
    attained_level: float | None = None
    highest_percentile: float | None = None
    analysed_drawings: int
    flagged_drawings: int


class ThresholdEffect(BaseModel):
    model_id: int
    age_group: str
    now: RuleEffect
    then: RuleEffect


class ThresholdPreview(BaseModel):
    """What a rule would do to each model and to the drawings analysed so far."""

    effects: list[ThresholdEffect]
