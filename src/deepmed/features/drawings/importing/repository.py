from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import Child, Drawing, ImportRun
from deepmed.kit.database.batches import in_batches, no_index


def by_source_hash(session: Session, owner_id: int, hashes: Sequence[str]) -> dict[str, Drawing]:
    found: dict[str, Drawing] = {}
    for batch in in_batches(hashes):
        query = select(Drawing).where(Drawing.owner_id == owner_id, Drawing.source_hash.in_(batch))
        found |= {drawing.source_hash: drawing for drawing in session.scalars(query)}
    return found


def by_ids(session: Session, owner_id: int, ids: Sequence[int]) -> dict[int, Drawing]:
    found: dict[int, Drawing] = {}
    for batch in in_batches(ids):
        query = select(Drawing).where(no_index(Drawing.owner_id) == owner_id, Drawing.id.in_(batch))
        found |= {drawing.id: drawing for drawing in session.scalars(query)}
    return found


def original_of(session: Session, owner_id: int, pixel_hash: str) -> int | None:
    """The oldest drawing with these pixels."""
    query = select(func.min(Drawing.id)).where(
        Drawing.owner_id == owner_id, Drawing.pixel_hash == pixel_hash
    )
    return session.scalar(query)


def child(session: Session, owner_id: int, code: str | None) -> Child:
    """The child of that code, made where there is none; without a code always a new one."""
    if code is None:
        return _added(session, Child(owner_id=owner_id, code=None))
    query = select(Child).where(Child.owner_id == owner_id, Child.code == code)
    known = session.scalars(query).one_or_none()
    if known is not None:
        return known
    try:
        with session.begin_nested():
            return _added(session, Child(owner_id=owner_id, code=code))
    except IntegrityError:  # another process was faster
        return session.scalars(query).one()


def _added(session: Session, child: Child) -> Child:
    session.add(child)
    session.flush()
    return child


def add_drawing(
    session: Session, owner_id: int, code: str | None, values: Mapping[str, Any]
) -> tuple[Drawing, bool]:
    """The drawing and True, or the one that holds the same bytes already and False."""
    known = by_source_hash(session, owner_id, [values["source_hash"]])
    if known:
        return known[values["source_hash"]], False
    drawing = Drawing(
        owner_id=owner_id,
        duplicate_of=original_of(session, owner_id, values["pixel_hash"]),
        **values,
    )
    try:
        with session.begin_nested():
            drawing.child = child(session, owner_id, code)
            session.add(drawing)
            session.flush()
    except IntegrityError:  # another process was faster
        return by_source_hash(session, owner_id, [values["source_hash"]])[
            values["source_hash"]
        ], False
    return drawing, True


def attach_dataset(session: Session, owner_id: int, ids: Sequence[int], dataset_id: int) -> None:
    """Name the dataset on the drawings that none has brought before."""
    for batch in in_batches(ids):
        session.execute(
            update(Drawing)
            .where(
                no_index(Drawing.owner_id) == owner_id,
                Drawing.id.in_(batch),
                Drawing.dataset_id.is_(None),
            )
            .values(dataset_id=dataset_id)
        )


def file_paths(session: Session) -> set[str]:
    """Every file that some drawing names, of all owners."""
    return set(session.scalars(select(Drawing.file_path)))


def add_run(session: Session, run: ImportRun) -> None:
    session.add(run)
    session.flush()


def run(session: Session, owner_id: int, uid: str) -> ImportRun | None:
    query = select(ImportRun).where(ImportRun.owner_id == owner_id, ImportRun.uid == uid)
    return session.scalars(query).one_or_none()


def runs(session: Session, owner_id: int, limit: int) -> list[ImportRun]:
    query = select(ImportRun).where(ImportRun.owner_id == owner_id)
    return list(session.scalars(query.order_by(ImportRun.id.desc()).limit(limit)))


def update_run(session: Session, owner_id: int, uid: str, values: Mapping[str, Any]) -> None:
    session.execute(
        update(ImportRun)
        .where(ImportRun.owner_id == owner_id, ImportRun.uid == uid)
        .values(**values)
    )


def close_older_runs(
    session: Session, owner_id: int, source: str, uid: str, moment: datetime
) -> None:
    """Runs of the same source that were killed: this one completed what they began."""
    session.execute(
        update(ImportRun)
        .where(
            ImportRun.owner_id == owner_id,
            ImportRun.source == source,
            ImportRun.uid != uid,
            ImportRun.status.in_(["started", "running"]),
        )
        .values(status="superseded", finished_at=moment)
    )
