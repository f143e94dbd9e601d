"""Analyses on the wire (contract 3.2). A number that cannot be had is null; `reasons` says why."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from deepmed.features.drawings.explanation.texts import chip
from deepmed.features.drawings.schemas.cohorts import Outlook
from deepmed.features.drawings.schemas.drawings import DrawingResponse
from deepmed.features.drawings.schemas.fields import ListedId
from deepmed.features.drawings.tables import AnomalyAnalysis

ANALYSIS_TYPES = {"visual+subject": "subject_aware"}
"""By the layout of the model that answered; any other answers among the age group alone."""
AGE_GROUP = "age_group"
NO_VISUAL_SCORE = (
    "The score is one measure of the whole drawing; it is not a sum of a visual and a subject part."
)
NO_SUBJECT_SCORE = "Subjects are compared by rank, not by score: see parts.subject."
NO_ATTRIBUTION = "A rank among typical drawings names no cause; see the explanation's regions."
_UNKNOWN = "unknown"


class AnalysisMethod(StrEnum):
    """The detectors that the contract names; further ones go by their own names."""

    AUTOENCODER = "autoencoder"


class VisionModel(StrEnum):
    """What the contract calls an encoder; it stands for whichever is in use."""

    VIT = "vit"


class AnalysisRequest(BaseModel):
    drawing_id: ListedId
    force_reanalysis: bool = False


class BatchAnalysisRequest(BaseModel):
    drawing_ids: list[ListedId] = Field(min_length=1, max_length=100)
    force_reanalysis: bool = False

    @field_validator("drawing_ids")
    @classmethod
    def validate_drawing_ids(cls, ids: list[int]) -> list[int]:
        if len(set(ids)) < len(ids):
            raise ValueError("a drawing is named twice")
        return ids


class BatchAccepted(BaseModel):
    batch_id: str
    total_drawings: int
    status: str
    progress_url: str
    job_id: int
    outlook: Outlook
    """What the batch could select at best, known before anything is scored."""


class AnomalyAnalysisResponse(BaseModel):
    id: int
    drawing_id: int
    anomaly_score: float | None
    normalized_score: float | None = Field(ge=0, le=100)
    visual_anomaly_score: None = None
    subject_anomaly_score: None = None
    anomaly_attribution: None = None
    analysis_type: str
    subject_category: str | None
    is_anomaly: bool
    confidence: float | None = Field(ge=0, le=1)
    age_group: str
    method_used: str | None
    vision_model: str | None
    analysis_timestamp: datetime
    decision: str
    """ranked, manual, not_supported, in_sample, blank, no_model or not_embedded."""
    reason: str | None
    chip: str
    """The answer in a few plain words."""
    role: str | None
    p_value: float | None
    percentile: float | None
    threshold: float | None
    n_children: int | None
    natural_frequency: dict[str, Any] | None
    borderline: bool
    parts: dict[str, Any]
    reasons: dict[str, str]
    """Why a number is null, by its name."""

    @classmethod
    def of(cls, row: AnomalyAnalysis, subject: str | None) -> Self:
        results = row.results
        ranking = results.get("ranking") or {}
        encoder = results.get("encoder")
        return cls(
            id=row.id,
            drawing_id=row.drawing_id,
            anomaly_score=row.anomaly_score,
            normalized_score=row.normalized_score,
            analysis_type=ANALYSIS_TYPES.get(row.results.get("layout", ""), AGE_GROUP),
            subject_category=subject,
            is_anomaly=row.is_anomaly,
            confidence=row.confidence,
            age_group=results.get("age_group", _UNKNOWN),
            method_used=results.get("model_type"),
            vision_model=encoder.partition("@")[0] if encoder else None,
            analysis_timestamp=row.analysis_timestamp,
            decision=row.decision,
            reason=row.reason,
            chip=chip(
                row.decision, is_anomaly=row.is_anomaly, normalized_score=row.normalized_score
            ),
            role=row.role,
            p_value=row.p_value,
            percentile=ranking.get("percentile"),
            threshold=ranking.get("threshold"),
            n_children=ranking.get("n_children"),
            natural_frequency=results.get("natural_frequency"),
            borderline=ranking.get("borderline", False),
            parts={"subject": results.get("subject_part"), "age": results.get("age_part")},
            reasons=_reasons(row, ranking),
        )


class ImportanceRegion(BaseModel):
    region_id: str
    bounding_box: tuple[int, int, int, int]
    importance_score: float = Field(ge=0, le=1)
    spatial_location: str
    # The same as the contract's page reads it.
    x: int
    y: int
    width: int
    height: int
    importance: float = Field(ge=0, le=1)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        left, top, right, bottom = found["bounding_box"]
        return cls(
            region_id=found["region_id"],
            bounding_box=(left, top, right, bottom),
            importance_score=found["importance_score"],
            spatial_location=found["spatial_location"],
            x=left,
            y=top,
            width=right - left,
            height=bottom - top,
            importance=found["importance_score"],
        )


class InterpretabilityResponse(BaseModel):
    saliency_map_url: str
    overlay_image_url: str
    explanation_text: str | None
    importance_regions: list[ImportanceRegion]
    method: str
    faithful: bool | None
    """Whether this map was measured to point at what the score rests on; null: not measured."""
    faithfulness: dict[str, Any]


class ComparisonExampleResponse(BaseModel):
    drawing_id: int
    filename: str
    age_years: float
    subject: str | None
    similarity_score: float = Field(ge=-1, le=1)
    anomaly_score: float | None
    normalized_score: float | None


class AnalysisResultResponse(BaseModel):
    drawing: DrawingResponse
    analysis: AnomalyAnalysisResponse
    interpretability: InterpretabilityResponse | None
    interpretability_reason: str | None = None
    """Why there is no explanation; null where there is one."""
    comparison_examples: list[ComparisonExampleResponse]


class AnalysisHistoryResponse(BaseModel):
    drawing_id: int
    analyses: list[AnomalyAnalysisResponse]
    total_count: int


class BatchError(BaseModel):
    drawing_id: int | None
    error: str
    timestamp: datetime


class BatchAnalysisResponse(BaseModel):
    batch_id: str
    total_drawings: int
    completed: int = Field(ge=0)
    failed: int = Field(ge=0)
    status: str
    results: list[AnalysisResultResponse]
    errors: list[BatchError]
    started_at: datetime
    completed_at: datetime | None
    q_values: dict[str, float | None]

    @model_validator(mode="after")
    def validate_counts(self) -> Self:
        """What is told of a batch adds up."""
        if self.completed + self.failed > self.total_drawings:
            raise ValueError("more drawings were completed or failed than the batch has")
        return self


class EmbeddingResponse(BaseModel):
    drawing_id: int
    status: str
    message: str
    embedding_id: int
    vector_dimension: int
    created_timestamp: datetime
    encoder: str


class RecentAnalysis(BaseModel):
    id: int
    drawing_id: int
    filename: str
    age_years: float
    subject: str | None
    anomaly_score: float | None
    is_anomaly: bool
    analysis_timestamp: datetime
    chip: str


class SubjectCount(BaseModel):
    subject: str
    count: int


class AgeBin(BaseModel):
    age_group: str
    count: int


class ModelStanding(BaseModel):
    vision_model: str
    is_loaded: bool
    last_updated: str
    active_age_groups: int


class AnalysisStatistics(BaseModel):
    total_drawings: int
    total_analyses: int
    anomaly_count: int
    normal_count: int
    """Drawings whose newest answer could have been a flag and is none."""
    recent_analyses: list[RecentAnalysis]
    age_distribution: list[AgeBin]
    model_status: ModelStanding
    decisions: dict[str, int]
    new_children: dict[str, int]
    subject_distribution: list[SubjectCount]
    """Drawings by subject, those of a subject alone where it was asked for."""


def _reasons(row: AnomalyAnalysis, ranking: dict[str, Any]) -> dict[str, str]:
    """Why each number that is null cannot be had."""
    found = {
        "visual_anomaly_score": NO_VISUAL_SCORE,
        "subject_anomaly_score": NO_SUBJECT_SCORE,
        "anomaly_attribution": NO_ATTRIBUTION,
    }
    if row.anomaly_score is None and row.reason:
        found |= dict.fromkeys(("anomaly_score", "normalized_score", "p_value"), row.reason)
    confidence = ranking.get("confidence_reason") or row.reason
    if row.confidence is None and confidence:
        found["confidence"] = confidence
    return found
