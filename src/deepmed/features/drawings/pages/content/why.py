"""Where on the page the score comes from, and why, in the words of who reads it (D-18)."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.explanation import repository as explanations
from deepmed.features.drawings.explanation.methods import DEFAULT_METHOD
from deepmed.features.drawings.tables import AnomalyAnalysis
from deepmed.web.charts import Table

EXPLAINS = "deepmed.features.drawings.explanation.service"
EDUCATOR, PARENT = "educator", "parent"
ROLES = {
    EDUCATOR: "Educator",
    "clinician": "Clinician",
    "researcher": "Researcher",
    PARENT: "Parent",
}


@dataclass(frozen=True)
class Region:
    """A place on the picture, in the picture's own pixels, with its words and numbers."""

    number: int
    id: str
    title: str
    text: str
    share: float
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Why:
    """What explains an answer, or why nothing does."""

    reason: str | None = None
    analysis_id: int = 0
    caption: str = ""
    regions: Sequence[Region] = ()
    places: Table | None = None
    faithful: bool | None = None
    sentences: Sequence[str] = ()
    advice: Sequence[str] = ()
    tables: Sequence[tuple[str, Table]] = ()


NOT_ANALYSED = Why("It has not been analysed yet, so there is nothing to explain.")
NO_SCORE = Why("There is no score, so there is no map.")


def reader_of(desk: Desk, asked: str) -> str:
    """The role that is asked for, or the educator where there is no such text."""
    return asked if asked in dict(readers(desk)) else EDUCATOR


def readers(desk: Desk) -> list[tuple[str, str]]:
    """The roles that texts are written for; for parents only where that is switched on."""
    parents = desk.home.settings.parent_texts
    return [(role, words) for role, words in ROLES.items() if role != PARENT or parents]


def stored(desk: Desk, row: AnomalyAnalysis, reader: str) -> Why | None:
    """What was made before; None where the page had better ask for it once it is there.

    That is where nothing was made, and where what explains was not loaded yet: both take a moment.
    """
    if row.anomaly_score is None:
        return NO_SCORE
    if EXPLAINS not in sys.modules:
        return None
    with desk.home.database.read() as session:
        if explanations.stored(session, row.id, DEFAULT_METHOD) is None:
            return None
    return made(desk, row, reader)


def made(desk: Desk, row: AnomalyAnalysis, reader: str) -> Why:
    """What explains an answer, made now where there is none."""
    from deepmed.features.drawings.pages.content import explained  # noqa: PLC0415 - brings torch

    return explained.why(desk, row, reader)
