"""What may be asked of an exported file beside its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SIDES = {"standard": 800, "high": 1600, "print": 3200}
"""Longest side of a picture in pixels, by resolution; no picture is enlarged."""
MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
FORMATS = tuple(MEDIA_TYPES)


class ExportOptions(BaseModel):
    """The contract's `export_options`; names that it does not know are kept and told."""

    model_config = ConfigDict(extra="allow", frozen=True)

    resolution: Literal["standard", "high", "print"] = "standard"
    page_size: Literal["A4", "Letter", "Legal"] = "A4"
    include_metadata: bool = True
    include_saliency: bool = True
    include_confidence: bool = True
    user_role: str = Field("educator", max_length=40)

    @property
    def unknown(self) -> list[str]:
        return sorted(name[:100] for name in self.model_extra or {})

    @property
    def side(self) -> int:
        return SIDES[self.resolution]


@dataclass(frozen=True)
class Wanted:
    """What goes into a file."""

    format: str
    annotations: bool = True
    comparisons: bool = True
    simplified: bool = False
    options: ExportOptions = field(default_factory=ExportOptions)

    def told(self) -> dict[str, Any]:
        """As the JSON export repeats it."""
        return {
            "include_annotations": self.annotations,
            "include_comparisons": self.comparisons,
            "simplified_version": self.simplified,
            **self.options.model_dump(include=set(ExportOptions.model_fields)),
        }
