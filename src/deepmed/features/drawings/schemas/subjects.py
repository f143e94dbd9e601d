"""What children drew, on the wire (contract 2.6)."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field


class SubjectCategory(BaseModel):
    category: str
    display_name: str
    usage_count: int
    is_default: bool


class SubjectCoverage(BaseModel):
    total_drawings: int
    drawings_with_subject: int
    drawings_without_subject: int
    subject_coverage_percentage: float | None


class SubjectColumns(BaseModel):
    """How wide a vector is that says what was drawn."""

    enabled: bool
    default_category: str
    hybrid_embedding_dimensions: int
    visual_component_dimensions: int
    subject_component_dimensions: int


class SubjectsResponse(BaseModel):
    supported_categories: list[SubjectCategory]
    total_categories: int
    statistics: SubjectCoverage
    subject_aware_analysis: SubjectColumns


class AgeCount(BaseModel):
    age_group: str
    count: int


class AnswerCounts(BaseModel):
    """Newest answers that could have been a flag, and how many of them are one."""

    total_analyses: int
    anomaly_count: int
    normal_count: int
    anomaly_rate: float | None
    """In percent."""
    average_anomaly_score: None = None
    average_normalized_score: None = None
    average_confidence: None = None
    average_reason: str


class SubjectAnswerCounts(AnswerCounts):
    subject: str


NoAttribution = Annotated[list[None], Field(max_length=0)]
"""Nothing names a cause, so there is nothing to count; the contract's list stays empty."""


class SubjectStatistics(BaseModel):
    """Of one subject."""

    subject: str
    total_drawings: int
    age_distribution: list[AgeCount]
    analysis_statistics: AnswerCounts
    attribution_breakdown: NoAttribution
    attribution_reason: str


class SubjectTotals(BaseModel):
    total_subjects_with_data: int
    total_drawings: int
    total_analyses: int


class SubjectShare(BaseModel):
    subject: str
    drawing_count: int
    percentage: float


class AllSubjectsStatistics(BaseModel):
    overview: SubjectTotals
    subject_distribution: list[SubjectShare]
    cross_subject_analysis: list[SubjectAnswerCounts]
    overall_attribution_breakdown: NoAttribution
    attribution_reason: str


class SubjectYear(BaseModel):
    age_group: str
    count: int
    sufficient_data: bool
    """As many drawings as are recommended for a group."""


class SubjectOverAges(BaseModel):
    subject: str
    total_drawings: int
    age_groups: list[SubjectYear]
    anomaly_rate: float | None
    """In percent."""


class SubjectsByAge(BaseModel):
    statistics: list[SubjectOverAges]


class SubjectAwareStatus(BaseModel):
    enabled: bool
    total_active_models: int
    subject_aware_models: int
    legacy_models: int
    coverage_percentage: float | None


class SubjectAwareModel(BaseModel):
    model_id: int
    age_range: str
    supports_subjects: bool
    embedding_type: str
    vector_dimension: int
    sample_count: int
    created_timestamp: datetime
    is_subject_aware: bool


class Architecture(BaseModel):
    hybrid_embedding_dimensions: int
    visual_component_dimensions: int
    subject_component_dimensions: int
    supported_subject_categories: int
    default_subject_category: str


class Capabilities(BaseModel):
    subject_aware_analysis: bool
    anomaly_attribution: bool
    component_level_scoring: bool
    subject_specific_comparisons: bool
    cross_subject_validation: bool


class SubjectAwareModels(BaseModel):
    subject_aware_system_status: SubjectAwareStatus
    model_details: list[SubjectAwareModel]
    architecture_info: Architecture
    capabilities: Capabilities
