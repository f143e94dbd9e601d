"""The demo on the wire (contract 2.9). What is not measured is null, and `reasons` says why."""

from datetime import datetime

from pydantic import BaseModel, Field


class SampleResult(BaseModel):
    anomaly_score: float | None
    is_anomaly: bool
    confidence: float | None = Field(ge=0, le=1)
    processing_time: None = None
    model_version: str | None
    age_group_model: str


class SampleRegion(BaseModel):
    region: str
    importance: float = Field(ge=0, le=1)
    """Its share of what raises the score."""
    description: str


class SampleDetails(BaseModel):
    saliency_method: str | None
    attention_regions: int | None
    confidence_threshold: None = None


class SampleExplanation(BaseModel):
    explanation: str | None
    key_regions: list[SampleRegion]
    technical_details: SampleDetails


class SampleMetadata(BaseModel):
    created_at: datetime
    """When the drawing was analysed."""
    content_rating: None = None
    educational_value: None = None


class DemoSample(BaseModel):
    """A drawing that was loaded and analysed here; `id` is the drawing's."""

    id: int
    title: str
    description: str
    age_group: str
    original_image: str
    saliency_map: str
    composite_image: str
    analysis_result: SampleResult
    interpretability: SampleExplanation
    metadata: SampleMetadata
    reasons: dict[str, str]


class DemoSamples(BaseModel):
    samples: list[DemoSample]
    reason: str | None
    """Why there is none."""


class Approach(BaseModel):
    feature_extraction: str
    anomaly_detection: str
    interpretability: str
    threshold_management: str


class CurrentStatus(BaseModel):
    training_data: str
    models: str
    features: str


class ProjectInfo(BaseModel):
    title: str
    subtitle: str
    overview: str
    key_features: list[str]
    technical_approach: Approach
    applications: list[str]
    current_status: CurrentStatus


class Styling(BaseModel):
    background_color: str
    border_color: str
    text_color: str
    prominence: str


class Disclaimer(BaseModel):
    title: str
    primary_warning: str
    detailed_disclaimer: list[str]
    recommendations: list[str]
    styling: Styling


class Link(BaseModel):
    url: str | None
    """An address of this server; null where nothing is served."""
    title: str
    description: str


class TechnicalLinks(BaseModel):
    github: Link
    documentation: Link
    research: Link
    technical_paper: Link
    status: Link


class DemoStatistics(BaseModel):
    """Over the samples."""

    total_samples: int
    normal_samples: int
    anomaly_samples: int
    anomaly_rate: float | None
    age_group_distribution: dict[str, int]
    average_confidence: float | None
    interpretability_coverage: str | None
    reasons: dict[str, str]


class _Answer(BaseModel):
    success: bool = True
    message: str


class SamplesAnswer(_Answer):
    data: DemoSamples


class SampleAnswer(_Answer):
    data: DemoSample


class ProjectAnswer(_Answer):
    data: ProjectInfo


class DisclaimerAnswer(_Answer):
    data: Disclaimer


class LinksAnswer(_Answer):
    data: TechnicalLinks


class StatisticsAnswer(_Answer):
    data: DemoStatistics
