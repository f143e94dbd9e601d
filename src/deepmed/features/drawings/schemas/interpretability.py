"""What explains an analysis, on the wire (contract 3.4).

A number of the contract that nobody measured is null, and `reasons` says why.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

Box = tuple[int, int, int, int]
Reasons = dict[str, str]


class InteractiveRegion(BaseModel):
    region_id: str
    bounding_box: Box
    importance_score: float = Field(ge=0, le=1)
    spatial_location: str
    hover_explanation: str
    click_explanation: str
    ink_coverage: float = Field(ge=0, le=1)
    ink_share: float = Field(ge=0, le=1)
    strokes: int = Field(ge=0)


class AttentionPatch(BaseModel):
    patch_id: str
    coordinates: Box
    """x, y, width and height in pixels of the drawing."""
    attention_weight: float = Field(ge=0, le=1)
    layer_index: int = Field(ge=0)
    head_index: int = Field(ge=0)


class InteractionMetadata(BaseModel):
    total_regions: int
    total_patches: int
    image_dimensions: tuple[int, int]
    patch_size: int
    analysis_method: str
    patch_grid: tuple[int, int]
    """Rows and columns of the map."""


class InteractiveInterpretabilityResponse(BaseModel):
    saliency_regions: list[InteractiveRegion]
    attention_patches: list[AttentionPatch]
    region_explanations: dict[str, str]
    confidence_scores: dict[str, None]
    interaction_metadata: InteractionMetadata
    faithful: bool | None
    trust: str
    """How far the map can be trusted, in one line."""
    reasons: Reasons


class MapMeasurement(BaseModel):
    """Whether a map's own faithfulness is known, or which job finds it out."""

    analysis_id: int
    status: str
    """measured or measuring."""
    job_id: int | None
    progress_url: str | None


class VisualIndicator(BaseModel):
    indicator: str
    meaning: str


class SimplifiedExplanationResponse(BaseModel):
    summary: str
    key_findings: list[str]
    visual_indicators: list[VisualIndicator]
    confidence_level: str
    """High, Medium, Low, or `Not given`."""
    age_appropriate_context: str
    recommendations: list[str]
    user_role: str
    """For whom it was written."""
    natural_frequency: str | None
    reasons: Reasons


class TechnicalDetails(BaseModel):
    base_model_confidence: float | None = Field(ge=0, le=1)
    training_data_quality: None = None
    score_extremity: float | None = Field(ge=0, le=1)
    age_group_sample_count: int | None = Field(ge=0)
    analysis_method: str | None
    vision_model: str | None
    comparison_children: int | None
    saliency_method: str | None


class ConfidenceMetricsResponse(BaseModel):
    overall_confidence: float | None = Field(ge=0, le=1)
    explanation_reliability: float | None = Field(ge=0, le=1)
    model_certainty: None = None
    data_sufficiency: str
    """Sufficient, Limited or Insufficient."""
    warnings: list[str]
    technical_details: TechnicalDetails
    reasons: Reasons


class Component(BaseModel):
    score: None = None
    contribution_percentage: None = None
    description: str
    p_value: float | None = Field(ge=0, le=1)
    children: int | None


class ComponentBreakdown(BaseModel):
    visual_component: Component
    subject_component: Component


class AgeRow(BaseModel):
    age_group: str
    p_value: float | None = Field(ge=0, le=1)
    children: int
    reason: str | None


class AgeComparison(BaseModel):
    statement: str | None
    """Why ages are not compared; null where they are."""
    groups: list[AgeRow]


class AttributionConfidence(BaseModel):
    overall_confidence: float | None = Field(ge=0, le=1)
    attribution_confidence: None = None
    reliability_notes: list[str]


class AttributionResponse(BaseModel):
    analysis_id: int
    primary_attribution: None = None
    visual_anomaly_score: None = None
    subject_anomaly_score: None = None
    overall_anomaly_score: float | None
    subject_category: str
    age_group: str
    attribution_explanation: str
    component_breakdown: ComponentBreakdown
    age_comparison: AgeComparison
    confidence_metrics: AttributionConfidence
    reasons: Reasons


class ComparisonExample(BaseModel):
    drawing_id: int
    filename: str
    age_years: float
    subject: str | None
    anomaly_score: float | None
    normalized_score: float | None
    confidence: float | None
    analysis_timestamp: datetime
    analysis_id: int
    visual_anomaly_score: None = None
    subject_anomaly_score: None = None
    anomaly_attribution: None = None


class ComparisonExamplesResponse(BaseModel):
    normal_examples: list[ComparisonExample]
    anomalous_examples: list[ComparisonExample]
    explanation_context: str
    age_group: str
    total_available: int


class PatternMetadata(BaseModel):
    drawing_count: int
    prevalence: float | None = Field(ge=0, le=1)
    developmental_significance: None = None
    drawing_id: int
    analysis_id: int
    reasons: Reasons


class ExamplePattern(BaseModel):
    pattern_id: str
    pattern_name: str
    description: str
    age_group: str
    example_type: str
    """normal, anomalous or borderline."""
    confidence_level: str
    visual_features: list[str]
    interpretation_notes: list[str]
    educational_context: str
    image_url: str
    saliency_url: str
    metadata: PatternMetadata


class AnnotationCreated(BaseModel):
    message: str
    annotation_id: str
    analysis_id: int
    region_id: str


class AnnotationResponse(BaseModel):
    annotation_id: str
    analysis_id: int
    region_id: str
    bounding_box: Box | None
    """Of that region on the map; null where the name is the writer's own."""
    annotation_text: str
    annotation_type: str
    author: str
    user_id: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    deleted: bool


class AnnotationVersionResponse(BaseModel):
    version: int
    deed: str
    """created, edited or deleted."""
    region_id: str
    annotation_text: str
    annotation_type: str
    author: str
    user_id: str | None
    at: datetime


class AnnotationHistory(AnnotationResponse):
    history: list[AnnotationVersionResponse]


class AnnotationList(BaseModel):
    analysis_id: int
    annotations: list[AnnotationResponse]
    total_count: int


class ExportResponse(BaseModel):
    export_id: str
    file_path: str
    file_url: str
    format: str
    file_size: int
    created_at: datetime
    expires_at: datetime
    ignored_options: list[str]
    """Options that this format or this product does not know."""
    notes: list[str]
    """What the file lacks, such as characters that its font has not."""


def as_reasons(found: dict[str, Any]) -> Reasons:
    """Only those that there are."""
    return {name: str(reason) for name, reason in found.items() if reason}
