"""Models and their data on the wire (contract 3.5)."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self, TypeVar

from pydantic import BaseModel, Field, model_validator

from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE
from deepmed.features.drawings.schemas.analysis import AnalysisMethod
from deepmed.features.drawings.schemas.fields import LARGEST_SEED, LayoutName, Number

_AGE_GROUP = re.compile(r"\s*(?P<low>[\d.]{1,8})\s*-\s*(?P<high>[\d.]{1,8})\s*")


class AgeGroupingStrategy(StrEnum):
    """How wide the bins are that age groups are suggested from; `custom` where a person set more.

    Bins are merged upwards until they hold enough drawings or are as wide as is allowed.
    """

    YEARLY = "yearly"
    TWO_YEAR = "2-year"
    THREE_YEAR = "3-year"
    CUSTOM = "custom"


class ModelStatus(StrEnum):
    TRAINING = "training"
    READY = "ready"
    FAILED = "failed"
    INSUFFICIENT_DATA = "insufficient_data"


class _Ages(Protocol):
    age_min: float
    age_max: float


Ages = TypeVar("Ages", bound=_Ages)


def _rising(ages: Ages) -> Ages:
    if ages.age_max <= ages.age_min:
        raise ValueError("age_max must be above age_min")
    return ages


class ModelTrainingRequest(BaseModel):
    """Unknown fields are ignored, as clients of the original send some.

    `age_group` ("3-4") may stand in place of `age_min` and `age_max`.
    """

    age_min: Number = Field(ge=MIN_AGE, le=MAX_AGE)
    age_max: Number = Field(ge=MIN_AGE, le=MAX_AGE)
    model_type: str = Field(
        AnalysisMethod.AUTOENCODER.value,
        max_length=40,
        description="A detector, or auto: planted ones decide",
    )
    vision_model: str | None = Field(None, description="The encoder; it must be the present one")
    min_samples: int = Field(50, ge=10)
    upper_closed: bool | None = Field(
        None, description="Whether age_max itself belongs to the group; at 12 and 18 by default"
    )
    layout: LayoutName = Field(
        "visual+age",
        description="What the model sees beside the picture's vector. A model of visual+subject "
        "stands beside others of its ages, and answers where a drawing's subject is given",
    )
    seed: int | None = Field(
        None, ge=0, le=LARGEST_SEED, description="Of all randomness; the installation's by default"
    )
    candidate: bool = Field(
        default=False, description="Leave the new model inactive beside the active ones"
    )

    @model_validator(mode="after")
    def validate_age_range(self) -> Self:
        return _rising(self)

    @model_validator(mode="before")
    @classmethod
    def _read_age_group(cls, given: Any) -> Any:
        """The contract's page names an age group; its model has no other fields of ages then."""
        if not isinstance(given, Mapping) or not isinstance(given.get("age_group"), str):
            return given
        bounds = _AGE_GROUP.fullmatch(given["age_group"])
        if bounds is None:
            raise ValueError("age_group is written as 3-4")
        return {"age_min": bounds["low"], "age_max": bounds["high"], **given}


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
    status: ModelStatus
    created_timestamp: datetime
    is_active: bool
    supports_subjects: bool
    subject_categories: list[str] | None
    """What the drawings show that a subject-aware model knows, in the list's order; empty where
    a model looks at no subject, null where its drawings are not in this data folder."""
    embedding_type: str
    vector_dimension: int = Field(ge=1)
    needs_retraining: bool
    percentile: float | None
    attained_level: float | None
    children: dict[str, int]

    @model_validator(mode="after")
    def validate_age_range(self) -> Self:
        return _rising(self)


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

    @model_validator(mode="after")
    def validate_model_counts(self) -> Self:
        """What is told of the models adds up."""
        if self.active_models + self.failed_models > self.total_models:
            raise ValueError("more models are active or failed than there are")
        return self


class ThresholdUpdateRequest(BaseModel):
    threshold: Number | None = Field(None, gt=0)
    percentile: Number | None = Field(None, ge=50, le=99.9)

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


class ModelsInUse(BaseModel):
    """Nothing was begun, because there are models."""

    message: str
    existing_models: int


class CreationAccepted(BaseModel):
    job_id: str
    status: str
    force_recreate: bool
    progress_url: str


class CreationStatus(BaseModel):
    job_id: str
    status: str
    message: str


class Deactivated(BaseModel):
    model_id: int
    status: str
    message: str


class AgeGroupData(BaseModel):
    """What a group would train and calibrate on."""

    age_group: str
    age_min: float
    age_max: float
    sample_count: int
    children: int
    calibration_children: int
    is_sufficient: bool
    can_train: bool
    recommended_min_samples: int
    data_quality_score: None = None
    data_quality_reason: str
    subjects_distribution: dict[str, int]
    age_distribution: list[float]
    """Every age in the group, youngest first."""
    false_alarm_spread: dict[str, Any]
    """Where the false-alarm rate of one calibration on so many children lies, 95 % of the time."""


class SufficiencyWarning(BaseModel):
    warning_type: str
    severity: str
    age_group: str
    age_group_min: float
    age_group_max: float
    current_samples: int
    recommended_samples: int
    message: str
    suggestions: list[str]


class MergeSuggestion(BaseModel):
    original_groups: list[tuple[float, float]]
    merged_group: tuple[float, float]
    combined_sample_count: int
    improvement_score: None = None
    improvement_reason: str
    rationale: str


class SufficiencySummary(BaseModel):
    total_warnings: int
    critical_warnings: int
    high_warnings: int
    merging_opportunities: int


class SufficiencyAnalysis(BaseModel):
    success: bool
    age_groups_analyzed: int
    analysis_results: list[AgeGroupData]
    warnings: list[SufficiencyWarning]
    merging_suggestions: list[MergeSuggestion]
    summary: SufficiencySummary


class AgeBounds(BaseModel):
    min: float
    max: float


class Augmentation(BaseModel):
    needed: bool
    recommended_techniques: list[str]
    multiplier_target: None = None
    multiplier_reason: str
    priority_subjects: list[str]
    cautions: list[str]


class GroupRecommendations(BaseModel):
    can_train: bool
    needs_augmentation: bool
    quality_rating: None = None
    quality_reason: str
    minimum: int
    recommended: int


class GroupSufficiency(BaseModel):
    success: bool
    age_group: AgeBounds
    data_analysis: AgeGroupData
    augmentation_suggestions: Augmentation
    recommendations: GroupRecommendations


class MergeRequest(BaseModel):
    original_groups: list[tuple[Number, Number]] = Field(min_length=1, max_length=20)
    merged_group: tuple[Number, Number]


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
    warnings: list[SufficiencyWarning]
    warnings_by_type: dict[str, list[SufficiencyWarning]]
    severity_counts: dict[str, int]
