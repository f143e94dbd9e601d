"""All rows of an owner, some at a time, as one state of the database has them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import (
    AgeGroupModel,
    AnomalyAnalysis,
    Drawing,
    DrawingEmbedding,
    InterpretabilityResult,
)
from deepmed.kit.database import Base

EMBEDDINGS = "drawing_embeddings"
EXPORTED: tuple[type[Base], ...] = (
    Drawing,
    AgeGroupModel,
    AnomalyAnalysis,
    InterpretabilityResult,
    DrawingEmbedding,
)
"""In the order of the file; vectors come last, and only where they are asked for."""


def columns(table: type[Base]) -> list[str]:
    return [column.name for column in table.__table__.columns]


def rows(session: Session, owner_id: int, table: type[Base]) -> Iterator[dict[str, Any]]:
    """Every row, in the order of the ids."""
    query = _own(table, owner_id).order_by(table.__table__.c.id)
    options = {"stream_results": True, "yield_per": 500}
    with session.connection().execute(query, execution_options=options) as found:
        for row in found.mappings():
            yield dict(row)


def _own(table: type[Base], owner_id: int) -> Select[Any]:
    query = select(table.__table__)
    if table is DrawingEmbedding:
        query = query.join(Drawing, Drawing.id == DrawingEmbedding.drawing_id)
        return query.where(Drawing.owner_id == owner_id)
    if table is InterpretabilityResult:
        query = query.join(
            AnomalyAnalysis, AnomalyAnalysis.id == InterpretabilityResult.analysis_id
        )
        return query.where(AnomalyAnalysis.owner_id == owner_id)
    return query.where(table.__table__.c.owner_id == owner_id)
