"""Drawings without pictures, for what is measured without looking at one."""

import hashlib
from typing import Any

from sqlalchemy import insert

from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.tables import Child, Drawing
from deepmed.kit.errors import ConflictError

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
        numbers = range(start, min(start + CHUNK, count))
        with home.database.write() as session:
            children = session.scalars(
                insert(Child).returning(Child.id, sort_by_parameter_order=True),
                [{"owner_id": home.owner_id, "code": None} for _ in numbers],
            ).all()
            ids += session.scalars(
                insert(Drawing).returning(Drawing.id, sort_by_parameter_order=True),
                [_row(home, child) for child in children],
            ).all()
    return ids


def _row(home: Home, child: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"bench {child}".encode()).hexdigest()
    return {
        "owner_id": home.owner_id,
        "child_id": child,
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
        "is_blank": False,
        "withdrawn": False,
    }
