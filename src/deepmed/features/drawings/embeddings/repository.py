from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.orm import Session, defer

from deepmed.features.drawings.tables import Drawing, DrawingEmbedding
from deepmed.kit.database import AnyRow
from deepmed.kit.database.batches import in_batches


def missing(session: Session, owner_id: int, encoder: str) -> list[tuple[int, str]]:
    """(id, file) of the drawings that this encoder has not embedded yet, in order of id."""
    embedded = select(DrawingEmbedding.drawing_id).where(DrawingEmbedding.encoder == encoder)
    query = (
        select(Drawing.id, Drawing.file_path)
        .where(Drawing.owner_id == owner_id, Drawing.is_blank.is_(False))
        .where(Drawing.id.not_in(embedded))
        .order_by(Drawing.id)
    )
    return [(row.id, row.file_path) for row in session.execute(query)]


def present(session: Session, encoder: str, drawing_ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for some in in_batches(drawing_ids):
        query = select(DrawingEmbedding.drawing_id).where(
            DrawingEmbedding.encoder == encoder, DrawingEmbedding.drawing_id.in_(some)
        )
        found.update(session.scalars(query))
    return found


def still_there(session: Session, owner_id: int, drawing_ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for some in in_batches(drawing_ids):
        query = select(Drawing.id).where(Drawing.owner_id == owner_id, Drawing.id.in_(some))
        found.update(session.scalars(query))
    return found


def add_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(DrawingEmbedding), rows)


def vectors(
    session: Session, owner_id: int, encoder: str, drawing_ids: Sequence[int]
) -> Iterator[AnyRow]:
    """(drawing_id, vector_dimension, vector_hash, embedding_vector) of those that exist."""
    query = _vectors_of(owner_id, encoder)
    for some in in_batches(drawing_ids):
        yield from session.execute(query.where(DrawingEmbedding.drawing_id.in_(some)))


def all_vectors(session: Session, owner_id: int, encoder: str) -> Iterator[AnyRow]:
    """Every vector of an owner and encoder, streamed in order of drawing."""
    query = _vectors_of(owner_id, encoder).order_by(DrawingEmbedding.drawing_id)
    yield from session.execute(query.execution_options(yield_per=2000))


class Standing(NamedTuple):
    """How many vectors an encoder has made for all owners, and the newest one's id."""

    number: int
    newest: int


def newest(session: Session, encoder: str) -> int:
    """The id of the newest vector of an encoder, of all owners; 0 where there is none."""
    query = select(func.max(DrawingEmbedding.id)).where(DrawingEmbedding.encoder == encoder)
    return session.scalars(query).one() or 0


def standing(session: Session, encoder: str) -> Standing:
    query = select(func.count(), func.max(DrawingEmbedding.id))
    number, newest = session.execute(query.where(DrawingEmbedding.encoder == encoder)).one()
    return Standing(number, newest or 0)


def vectors_after(session: Session, owner_id: int, encoder: str, newest: int) -> Sequence[AnyRow]:
    """An owner's vectors that were stored after that one, in order of drawing."""
    query = _vectors_of(owner_id, encoder).where(DrawingEmbedding.id > newest)
    return session.execute(query.order_by(DrawingEmbedding.drawing_id)).all()


def forget(session: Session, encoder: str, owner_id: int) -> int:
    """Delete an owner's vectors of one encoder; returns how many there were."""
    own = select(Drawing.id).where(Drawing.owner_id == owner_id)
    statement = delete(DrawingEmbedding).where(
        DrawingEmbedding.encoder == encoder, DrawingEmbedding.drawing_id.in_(own)
    )
    return int(getattr(session.execute(statement), "rowcount", 0))


def counts(session: Session, owner_id: int) -> dict[str, int]:
    """Number of vectors by encoder."""
    query = (
        select(DrawingEmbedding.encoder, func.count())
        .join(Drawing, Drawing.id == DrawingEmbedding.drawing_id)
        .where(Drawing.owner_id == owner_id)
        .group_by(DrawingEmbedding.encoder)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _vectors_of(owner_id: int, encoder: str) -> Select[int, int, str, bytes]:
    return (
        select(
            DrawingEmbedding.drawing_id,
            DrawingEmbedding.vector_dimension,
            DrawingEmbedding.vector_hash,
            DrawingEmbedding.embedding_vector,
        )
        .join(Drawing, Drawing.id == DrawingEmbedding.drawing_id)
        .where(Drawing.owner_id == owner_id, DrawingEmbedding.encoder == encoder)
    )


def row_of(session: Session, drawing_id: int, encoder: str) -> DrawingEmbedding | None:
    """The row of a drawing's vector, without reading the vector."""
    query = (
        select(DrawingEmbedding)
        .where(DrawingEmbedding.drawing_id == drawing_id, DrawingEmbedding.encoder == encoder)
        .options(defer(DrawingEmbedding.embedding_vector))
    )
    return session.scalars(query).one_or_none()
