"""What a note can be, and how it may be written."""

from dataclasses import dataclass
from enum import StrEnum

WHOLE_DRAWING = "drawing"
"""The place of a note to the drawing as a whole."""
LONGEST_TEXT = 500
LONGEST_NAME = 100


class AnnotationType(StrEnum):
    """The contract's kinds of notes."""

    NOTE = "note"
    QUESTION = "question"
    CONCERN = "concern"
    OBSERVATION = "observation"
    HYPOTHESIS = "hypothesis"


@dataclass(frozen=True)
class Note:
    """What somebody writes.

    Attributes:
        region_id: a region of the map, `drawing`, or a name of the writer's own for a place.
        text: 1 to 500 characters.
        type: what kind of note it is.
        user_id: how the writer signs, where that says more than who was let in.
    """

    region_id: str
    text: str
    type: AnnotationType = AnnotationType.NOTE
    user_id: str | None = None
