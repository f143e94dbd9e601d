"""Drawings without pictures, for what is measured without looking at one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.tables import Child, Drawing
from deepmed.kit.errors import ConflictError
from deepmed.kit.ids import new_uid

CHUNK = 2000
AGE = 7.5


def refuse_what_is_in_use(home: Home) -> None:
    """Keep out of a database with somebody's drawings or jobs in it.

    Raises:
        ConflictError: there are some.
    """
    with home.database.read() as session:
        drawings = session.query(Drawing.id).limit(1).all()
        jobs = JobLedger.of(home).list(session, limit=1)
    if drawings or jobs:
        raise ConflictError(
            "The database of the settings holds drawings or jobs already, and this benchmark adds "
            "many of its own. Nothing was measured or changed. Name an empty database with "
            "DEEPMED_DATABASE_URL, or none for one that is removed afterwards."
        )


def add_drawings(home: Home, count: int) -> list[int]:
    """Rows of as many drawings, each by a child of its own; their ids in order."""
    ids: list[int] = []
    for start in range(0, count, CHUNK):
        wanted = [new_drawing(home.owner_id) for _ in range(start, min(start + CHUNK, count))]
        with home.database.write() as session:
            ids += insert(session, wanted)
    return ids


def new_drawing(owner_id: int, code: str | None = None, **facts: Any) -> Drawing:
    """A drawing by a child of its own; a typical one by somebody of 7.5, but for the facts."""
    digest = new_uid() + new_uid()
    usual = {
        "filename": "bench.png",
        "original_name": "bench.png",
        "file_path": "bench.png",
        "source_hash": digest,
        "pixel_hash": digest[::-1],
        "width": 1,
        "height": 1,
        "age_years": AGE,
        "age_precision": "decimal",
        "subject": "person",
        "ink_coverage": 0.1,
    }
    child = Child(owner_id=owner_id, code=code)
    return Drawing(owner_id=owner_id, child=child, **(usual | facts))


def insert(session: Session, drawings: Sequence[Drawing]) -> list[int]:
    """Their ids, given by the database: numbers of our own would collide with its next ones."""
    session.add_all(drawings)
    session.flush()
    return [drawing.id for drawing in drawings]
