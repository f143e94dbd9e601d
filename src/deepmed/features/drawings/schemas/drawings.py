"""Drawings on the wire (contract 3.1)."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from deepmed.features.drawings.catalogue.filters import NEWEST_FIRST, DrawingFilter
from deepmed.features.drawings.catalogue.service import DrawingPage
from deepmed.features.drawings.metadata import MAX_AGE, MIN_AGE, ExpertLabel, parse_age
from deepmed.features.drawings.schemas.fields import Number, Text
from deepmed.features.drawings.tables import Drawing
from deepmed.kit.errors import ValidationError


def _age(text: str) -> str:
    try:
        parse_age(text)
    except ValidationError as error:
        raise ValueError(error.message) from error
    return text


AgeText = Annotated[
    str,
    AfterValidator(_age),
    Field(
        max_length=40,
        description=f"Age in years, {MIN_AGE:g} to {MAX_AGE:g}: 6, 6.5, 6y 4m or 76 months. A "
        "whole number means completed years.",
        examples=["6.5"],
    ),
]


class DrawingUploadRequest(BaseModel):
    """What a form says of one drawing; `extract_metadata` judges it, and names what is wrong."""

    age_years: AgeText
    subject: str | None = None
    expert_label: str | None = None
    drawing_tool: str | None = None
    prompt: str | None = None
    child_id: str | None = None

    @field_validator("subject", "expert_label", "drawing_tool", "prompt", "child_id")
    @classmethod
    def validate_optional_strings(cls, text: str | None) -> str | None:
        """A field that was left blank says nothing."""
        return (text or "").strip() or None


class DrawingFilterRequest(BaseModel):
    """Which drawings are asked for, and which page of them."""

    age_min: Number | None = None
    age_max: Number | None = None
    subject: Text | None = None
    expert_label: ExpertLabel | None = None
    page: int = 1
    page_size: int = 20
    child_id: Text | None = None
    sort: str = NEWEST_FIRST

    @model_validator(mode="after")
    def validate_age_range(self) -> Self:
        """Raises ValidationError, which a client is told as 400, where the ages do not rise."""
        self.wanted()
        return self

    def wanted(self) -> DrawingFilter:
        return DrawingFilter(
            age_min=self.age_min,
            age_max=self.age_max,
            subject=self.subject,
            expert_label=self.expert_label,
            child=self.child_id,
        )


class DrawingResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    filename: str
    age_years: float
    subject: str | None
    expert_label: str | None
    drawing_tool: str | None
    prompt: str | None
    upload_timestamp: datetime
    child_id: str | None
    age_precision: str
    original_name: str
    width: int
    height: int
    is_blank: bool
    duplicate_of: int | None
    withdrawn: bool

    @classmethod
    def of(cls, drawing: Drawing) -> Self:
        values = {name: getattr(drawing, name) for name in cls.model_fields if name != "child_id"}
        return cls(child_id=drawing.child.code, **values)


class UploadedDrawing(DrawingResponse):
    """A drawing that was just uploaded, or that these very bytes were stored as before."""

    already_present: bool = False
    conflicts: dict[str, list[Any]] = {}
    """Fields for which this upload brought another value than is stored: [stored, brought]."""
    notes: list[str] = []
    """What was changed when the picture was read."""


class DrawingListResponse(BaseModel):
    drawings: list[DrawingResponse]
    total_count: int
    page: int = Field(ge=1)
    page_size: int = Field(ge=1, le=100)
    total_pages: int

    @classmethod
    def of(cls, page: DrawingPage) -> Self:
        return cls(
            drawings=[DrawingResponse.of(drawing) for drawing in page.drawings],
            total_count=page.total_count,
            page=page.page,
            page_size=page.page_size,
            total_pages=page.total_pages,
        )


class DrawingChanges(BaseModel):
    """What is to be another than it is; null removes what may be absent."""

    model_config = ConfigDict(extra="forbid")

    age_years: Annotated[str, Field(max_length=40)] | Number | None = None
    subject: str | None = None
    expert_label: str | None = None
    drawing_tool: str | None = None
    prompt: str | None = None
    child_id: str | None = None
    withdrawn: bool | None = None


class UploadProgressResponse(BaseModel):
    progress: float = Field(ge=0, le=100)
    status: str


class BatchUploadResponse(BaseModel):
    upload_id: str
    file_count: int
    status: str
    progress_url: str
    job_id: int


class AgeSpan(BaseModel):
    min: float | None
    max: float | None
    average: float | None


class LabelCounts(BaseModel):
    normal: int
    concern: int
    severe: int


class FolderInfo(BaseModel):
    exists: bool
    file_count: int
    total_size_bytes: int
    total_size_mb: float


class StorageInfo(BaseModel):
    upload_dir: str
    static_dir: str
    directories: dict[str, FolderInfo]


class DrawingStatistics(BaseModel):
    total_drawings: int
    age_range: AgeSpan
    expert_labels: LabelCounts
    storage: StorageInfo
