"""What answers of several kinds have in common (contract 3.3)."""

import math
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, Field

from deepmed.kit.pictures import DEFAULT_LIMITS


class ErrorDetail(BaseModel):
    """One thing that went wrong; `field` names the file, the column or the field."""

    code: str
    message: str
    field: str | None = None
    details: dict[str, Any] | None = None


class ErrorResponse(BaseModel):
    """Why something that was accepted came to nothing, or not to all that was asked for."""

    error: str
    message: str
    details: list[ErrorDetail] | None = None
    request_id: str | None = None


class PaginationInfo(BaseModel):
    page: int = Field(ge=1)
    page_size: int = Field(ge=1)
    total_items: int = Field(ge=0)
    total_pages: int = Field(ge=0)
    has_next: bool
    has_previous: bool

    @classmethod
    def of(cls, page: int, page_size: int, total_items: int) -> Self:
        """Where a page lies; one beyond the last has nothing after it."""
        pages = math.ceil(total_items / page_size)
        return cls(
            page=page,
            page_size=page_size,
            total_items=total_items,
            total_pages=pages,
            has_next=page < pages,
            has_previous=page > 1 and pages > 0,
        )


class FileUploadResponse(BaseModel):
    """A file that was received; it has no path that a client could use."""

    filename: str
    file_path: str | None = None
    file_size: int = Field(ge=0)
    content_type: str
    """By content, not by name."""
    upload_timestamp: datetime


class ValidationErrorDetail(BaseModel):
    """What a picture does not keep to."""

    field: str
    message: str
    invalid_value: Any = None
    constraint: str | None = None


class ImageFormat(StrEnum):
    """The picture formats that the original took; ours are known by content."""

    PNG = "png"
    JPEG = "jpeg"
    JPG = "jpg"
    BMP = "bmp"


class ImageValidationRequest(BaseModel):
    """What a picture must keep to."""

    max_file_size: int = Field(DEFAULT_LIMITS.max_bytes, gt=0)
    allowed_formats: list[ImageFormat] = Field(default_factory=lambda: list(ImageFormat))
    min_width: int = Field(DEFAULT_LIMITS.min_side, ge=1)
    min_height: int = Field(DEFAULT_LIMITS.min_side, ge=1)
    max_width: int = Field(4096, ge=1)
    max_height: int = Field(4096, ge=1)
