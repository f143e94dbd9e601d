"""A drawing as a small picture with a few words: in the gallery, on the dashboard, as neighbour."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from deepmed.features.drawings.analysis import repository
from deepmed.features.drawings.explanation.texts import chip, place_of_100
from deepmed.features.drawings.tables import AnomalyAnalysis, Drawing


@dataclass(frozen=True)
class Tile:
    """What a small picture says."""

    id: int
    name: str
    age: float
    subject: str | None
    chip: str | None
    """None where the drawing has not been analysed."""
    look: str
    """Style of the chip: `look` for a flag, `none` for no answer."""
    place: str | None
    marks: tuple[str, ...] = ()


def tiles(session: Session, owner_id: int, drawings: Sequence[Drawing]) -> list[Tile]:
    """The drawings with their newest answers, in the order given."""
    newest = repository.newest(session, owner_id, [each.id for each in drawings])
    return [tile(each, newest.get(each.id)) for each in drawings]


def tile(drawing: Drawing, row: AnomalyAnalysis | None) -> Tile:
    return Tile(
        id=drawing.id,
        name=name_of(drawing),
        age=drawing.age_years,
        subject=drawing.subject,
        chip=None if row is None else chip_of(row),
        look="none" if row is None else look_of(row),
        place=None
        if row is None or row.normalized_score is None
        else place_of_100(row.normalized_score),
        marks=tuple(marks(drawing)),
    )


def name_of(drawing: Drawing) -> str:
    """`Drawing 12, 6 years, house`."""
    subject = f", {drawing.subject}" if drawing.subject else ""
    return f"Drawing {drawing.id}, {drawing.age_years:.4g} years{subject}"


def chip_of(row: AnomalyAnalysis) -> str:
    return chip(row.decision, is_anomaly=row.is_anomaly, normalized_score=row.normalized_score)


def look_of(row: AnomalyAnalysis) -> str:
    """The chip's style; colour never says what its words do not."""
    if row.is_anomaly:
        return "look"
    return "" if row.decision in {"ranked", "manual"} else "none"


def marks(drawing: Drawing) -> list[str]:
    """What sets a drawing apart from one that may train."""
    found = [f"label: {drawing.expert_label}"] if drawing.expert_label else []
    if drawing.withdrawn:
        found.append("withdrawn")
    if drawing.duplicate_of is not None:
        found.append(f"copy of {drawing.duplicate_of}")
    if drawing.is_blank:
        found.append("nearly blank")
    return found
