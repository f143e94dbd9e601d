from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Dialect, Select, delete, exists, func, select
from sqlalchemy.orm import Session, defer

from deepmed.features.drawings.tables import Drawing, DrawingEmbedding
from deepmed.kit.database import kept
from deepmed.kit.database.batches import in_batches, no_index

AT_ONCE = 500
"""Vectors that are read at once: a larger number no longer fits a processor's cache."""


OWN = ("drawing_id", "vector_dimension", "vector_hash", "embedding_vector")
"""What of a stored vector no other has."""
StoredVector = tuple[int, int, str, bytes]
"""These columns of one row."""


def missing(
    session: Session, owner_id: int, encoder: str, since: datetime | None = None
) -> list[tuple[int, str]]:
    """(id, file) of the drawings that this encoder has not embedded (since), in order of id."""
    query = select(Drawing.id, Drawing.file_path).where(*_missing(owner_id, encoder, since))
    return [(row.id, row.file_path) for row in session.execute(query.order_by(Drawing.id))]


@kept
def count_missing(session: Session, owner_id: int, encoder: str) -> int:
    query = select(func.count()).where(*_missing(owner_id, encoder))
    return session.scalars(query).one()


def is_embedded(encoder: str) -> ColumnElement[bool]:
    """The condition of a drawing that an encoder has embedded."""
    return exists().where(
        DrawingEmbedding.drawing_id == Drawing.id, DrawingEmbedding.encoder == encoder
    )


def _missing(
    owner_id: int, encoder: str, since: datetime | None = None
) -> list[ColumnElement[bool]]:
    # Each drawing is looked up in an index: as a list, the rows with their vectors are read.
    embedded = is_embedded(encoder)
    if since is not None:
        embedded = embedded.where(DrawingEmbedding.created_timestamp >= since)
    return [Drawing.owner_id == owner_id, Drawing.is_blank.is_(False), ~embedded]


def lacking(session: Session, owner_id: int, encoder: str, drawing_ids: Sequence[int]) -> list[int]:
    """Those of an owner's drawings that have no vector of this encoder, in order of id."""
    found: list[int] = []
    there = (DrawingEmbedding.drawing_id == Drawing.id, DrawingEmbedding.encoder == encoder)
    for some in in_batches(drawing_ids):
        query = select(Drawing.id).where(
            no_index(Drawing.owner_id) == owner_id, Drawing.id.in_(some)
        )
        found += session.scalars(query.where(~exists().where(*there)))
    return sorted(found)


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
        query = select(Drawing.id).where(
            no_index(Drawing.owner_id) == owner_id, Drawing.id.in_(some)
        )
        found.update(session.scalars(query))
    return found


def add_all(session: Session, vectors: Sequence[StoredVector], common: Mapping[str, Any]) -> None:
    """Store vectors that have all other columns in common.

    They go straight to the driver: SQLAlchemy looks at each value of each row, and takes as long
    for that as SQLite takes to write it.
    """
    if not vectors:
        return
    connection = session.connection()
    shared = [_as_stored(name, value, connection.dialect) for name, value in common.items()]
    columns = [*OWN, *common]
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    connection.exec_driver_sql(
        f"INSERT INTO {DrawingEmbedding.__tablename__} ({', '.join(columns)}) "  # noqa: S608 - names
        f"VALUES ({', '.join([mark] * len(columns))})",
        [(*vector, *shared) for vector in vectors],
    )


def _as_stored(name: str, value: object, dialect: Dialect) -> Any:
    """A value as the driver takes it for a column."""
    column = DrawingEmbedding.__table__.c[name].type.dialect_impl(dialect)
    process = column.bind_processor(dialect)
    return process(value) if process else value


def vectors(
    session: Session, owner_id: int, encoder: str, drawing_ids: Sequence[int]
) -> Iterator[StoredVector]:
    """Those of some drawings, as far as they exist."""
    query = _vectors_of(owner_id, encoder)
    for some in in_batches(drawing_ids):
        yield from session.execute(query.where(DrawingEmbedding.drawing_id.in_(some)))


@contextmanager
def all_vectors(
    session: Session, owner_id: int, encoder: str, after: int = 0
) -> Iterator[Iterable[StoredVector]]:
    """An owner's vectors that were stored after that one, streamed as the engine finds them.

    To sort so wide rows takes an engine longer than to read them.
    """
    query = _vectors_of(owner_id, encoder).where(DrawingEmbedding.id > after)
    # Past the ORM: there are no objects in it.
    with session.connection().execute(query.execution_options(yield_per=AT_ONCE)) as rows:
        yield rows


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


def forget(session: Session, encoder: str, owner_id: int) -> int:
    """Delete an owner's vectors of one encoder; returns how many there were."""
    own = select(Drawing.id).where(Drawing.owner_id == owner_id)
    statement = delete(DrawingEmbedding).where(
        DrawingEmbedding.encoder == encoder, DrawingEmbedding.drawing_id.in_(own)
    )
    return int(getattr(session.execute(statement), "rowcount", 0))


def forget_drawings(session: Session, encoder: str, drawing_ids: Sequence[int]) -> None:
    """Delete one encoder's vectors of some drawings."""
    for some in in_batches(drawing_ids):
        session.execute(
            delete(DrawingEmbedding).where(
                DrawingEmbedding.encoder == encoder, DrawingEmbedding.drawing_id.in_(some)
            )
        )


@kept
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
