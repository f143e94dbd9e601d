"""What people noted to a drawing's answers, each note with its author and its history (D-20)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepmed.features.drawings.annotations import repository, service
from deepmed.features.drawings.annotations.kinds import (
    LONGEST_NAME,
    LONGEST_TEXT,
    WHOLE_DRAWING,
    AnnotationType,
)
from deepmed.features.drawings.annotations.regions import regions_of
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.tables import Annotation, AnomalyAnalysis

Places = Mapping[str, str]
"""Where a note can stand, in words, by its name."""


@dataclass(frozen=True)
class Noted:
    """A note as it stands, and as it stood."""

    note: dict[str, Any]
    place: str
    history: Sequence[dict[str, Any]]
    places: Places
    earlier: bool
    """It was written to an earlier answer."""


def content(desk: Desk, drawing_id: int, answers: Sequence[AnomalyAnalysis]) -> dict[str, Any]:
    """All notes to a drawing's answers; new ones go to the newest answer."""
    newest = answers[0].id if answers else None
    with desk.home.database.read() as session:
        rows = repository.of_drawing(session, desk.home.owner_id, drawing_id)
    places = {
        answer: _places(desk, answer)
        for answer in {row.analysis_id for row in rows} | ({newest} if newest else set())
    }
    noted = [_noted(row, places[row.analysis_id], newest) for row in rows]
    return {
        "analysis_id": newest,
        "standing": [each for each in noted if not each.note["deleted"]],
        "taken_back": [each for each in noted if each.note["deleted"]],
        "places": places.get(newest, {}) if newest else {},
        "types": [str(each) for each in AnnotationType],
        "longest_text": LONGEST_TEXT,
        "longest_name": LONGEST_NAME,
    }


def _places(desk: Desk, analysis_id: int) -> dict[str, str]:
    regions = regions_of(desk.home.database, analysis_id)
    numbered = {
        each["region_id"]: f"place {number}, {each['spatial_location']}"
        for number, each in enumerate(regions, 1)
    }
    return {WHOLE_DRAWING: "the whole drawing"} | numbered


def _noted(row: Annotation, places: Places, newest: int | None) -> Noted:
    note = service.told(row, [])
    name = note["region_id"]
    return Noted(
        note,
        places.get(name, name),
        service.history(row),
        # A writer may have named a place of their own; it stays on offer.
        places if name in places else {**places, name: name},
        earlier=row.analysis_id != newest,
    )
