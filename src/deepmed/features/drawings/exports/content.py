"""What a file shows, as plain values; the formats only lay it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepmed.features.drawings.explanation.stored import StoredExplanation
from deepmed.features.drawings.exports.options import Wanted
from deepmed.features.drawings.schemas.interpretability import InteractiveRegion
from deepmed.web.charts import Table

Pixels = NDArray[np.uint8]
Line = tuple[str, object]
"""A name and its value."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A typical drawing beside the one that is explained."""

    name: str
    similarity: float
    picture: Pixels


@dataclass(frozen=True, eq=False)
class ExportContent:
    """One analysis as it is exported.

    Attributes:
        explanation: the analysis with its map.
        wanted: what goes into the file.
        made: when.
        title: the drawing in a line.
        chip: the answer in two or three words.
        facts: of the drawing; empty where they were not wanted.
        results: of the analysis.
        sentences: the words, simplified or not.
        picture: of the drawing, not larger than wanted.
        overlay: the same with its map; None where it was not wanted or nothing would be seen.
        caption: what the map shows, and how far to trust it.
        regions: of the map, in pixels of the original.
        tables: the data behind it; empty in a simplified file.
        comparisons: the typical drawings most like it.
        annotations: what people noted, each as the API tells it.
        limits: what the file is not.
    """

    explanation: StoredExplanation
    wanted: Wanted
    made: datetime
    title: str
    chip: str
    facts: Sequence[Line]
    results: Sequence[Line]
    sentences: Sequence[str]
    picture: Pixels
    overlay: Pixels | None
    caption: str
    regions: Sequence[InteractiveRegion]
    tables: Sequence[tuple[str, Table]]
    comparisons: Sequence[Comparison]
    annotations: Sequence[dict[str, Any]]
    limits: Sequence[str]

    @property
    def footer(self) -> str:
        return f"Made {self.made:%d %B %Y, %H:%M} UTC with DeepMed"


def note_line(annotation: dict[str, Any]) -> str:
    """A note in one line: where, what kind, by whom and when."""
    signed = f" ({annotation['user_id']})" if annotation["user_id"] else ""
    return (
        f"{annotation['annotation_type'].capitalize()} to {annotation['region_id']} by "
        f"{annotation['author']}{signed}, {annotation['updated_at']:%d %B %Y, %H:%M}: "
        f"{annotation['annotation_text']}"
    )


def shrunk(pixels: Pixels, side: int) -> Pixels:
    """The picture, no side longer than `side` pixels."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.array(image)
