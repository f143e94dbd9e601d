"""What is sent to have an analysis explained, noted to or exported (contract 2.3)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from deepmed.features.drawings.annotations.kinds import LONGEST_NAME, LONGEST_TEXT, AnnotationType
from deepmed.features.drawings.exports.options import ExportOptions


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _printable(text: str) -> str:
    if any(not (character.isprintable() or character in "\n\t") for character in text):
        raise ValueError("holds control characters")
    return text


def _written(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return _printable(text)


RegionId = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_written)]
NoteText = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_written)]
NoteType = Annotated[AnnotationType, BeforeValidator(_lower)]
Signature = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_printable)]


class AnnotationRequest(BaseModel):
    region_id: RegionId
    annotation_text: NoteText
    annotation_type: NoteType
    user_id: Signature | None = None


class AnnotationChanges(BaseModel):
    """What is to be another than it is; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    region_id: RegionId | None = None
    annotation_text: NoteText | None = None
    annotation_type: NoteType | None = None
    user_id: Signature | None = None
    version: int | None = Field(None, ge=1, description="The version that was changed")


ExportFormatName = Literal["pdf", "png", "csv", "json", "html", "pptx"]


class ExportRequest(BaseModel):
    format: Annotated[ExportFormatName, BeforeValidator(_lower)]
    include_annotations: bool = True
    include_comparisons: bool = True
    simplified_version: bool = False
    export_options: ExportOptions = ExportOptions()
