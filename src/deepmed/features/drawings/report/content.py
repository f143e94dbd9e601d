"""What a report shows, as plain values; the template only lays it out."""

import base64
import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepmed.web.charts import Chart, Table

THUMBNAIL = 132
CARD = 300


@dataclass(frozen=True)
class Figure:
    """A number with its name and what it means."""

    name: str
    value: object
    meaning: str


@dataclass(frozen=True)
class Thumbnail:
    """A small picture and the lines under it."""

    picture: str
    name: str
    lines: list[str]
    flagged: bool = False
    answered: bool = True


@dataclass(frozen=True)
class GroupSection:
    """One age group: what it rests on and how it was measured."""

    title: str
    summary: list[str]
    figures: list[Figure]
    notes: list[str]
    charts: list[Chart]
    data: list[tuple[str, Table]]


@dataclass(frozen=True)
class FlaggedCard:
    """One flagged drawing with its explanation."""

    title: str
    chip: str
    picture: str
    overlay: str | None
    overlay_caption: str
    strip: Chart
    first_steps: str
    sentences: list[str]
    neighbours: list[Thumbnail]
    data: list[tuple[str, Table]]


@dataclass(frozen=True)
class ReportContent:
    """The whole page."""

    title: str
    made: str
    lead: list[str]
    overview: Table
    overview_note: str
    groups: list[GroupSection]
    flagged: list[FlaggedCard]
    flagged_note: str | None
    unanswered: Table
    gallery: list[Thumbnail]
    gallery_note: str | None
    method: list[str]
    limits: list[str] = field(default_factory=list)


def picture(pixels: NDArray[np.uint8], side: int) -> str:
    """A picture of at most `side` pixels as a data URI, re-encoded without metadata."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
