from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, func, select, union_all
from sqlalchemy.orm import Session

from deepmed.core.datasets.tables import DatasetItem
from deepmed.features.drawings.tables import AnalysisBatch, Drawing, ImportRun
from deepmed.kit.database.batches import in_batches


class Found(NamedTuple):
    """An upload, an analysis, or both of one id."""

    uid: str
    run: ImportRun | None
    batch: AnalysisBatch | None


def page(session: Session, owner_id: int, number: int, size: int) -> tuple[list[Found], int]:
    """A page of them, newest first, and how many there are in all."""
    each = _each(owner_id).subquery()
    total = session.scalars(select(func.count()).select_from(each)).one()
    newest = select(each.c.uid).order_by(each.c.moment.desc(), each.c.uid)
    uids: list[str] = list(session.scalars(newest.offset((number - 1) * size).limit(size)))
    runs = {row.uid: row for row in session.scalars(_of(ImportRun, owner_id, uids))}
    batches = {row.uid: row for row in session.scalars(_of(AnalysisBatch, owner_id, uids))}
    return [Found(uid, runs.get(uid), batches.get(uid)) for uid in uids], total


def one(session: Session, owner_id: int, uid: str) -> Found:
    """Both are None where nothing of the owner's has this id."""
    run = session.scalars(_of(ImportRun, owner_id, [uid])).one_or_none()
    return Found(uid, run, session.scalars(_of(AnalysisBatch, owner_id, [uid])).one_or_none())


def drawings_of(session: Session, owner_id: int, dataset_id: int) -> list[int]:
    """The drawings that a version of a dataset holds and that are still there, in order."""
    query = select(DatasetItem.content_hash).where(DatasetItem.dataset_id == dataset_id)
    found: list[int] = []
    for some in in_batches(list(session.scalars(query))):
        there = select(Drawing.id).where(
            Drawing.owner_id == owner_id, Drawing.source_hash.in_(some)
        )
        found += session.scalars(there)
    return sorted(set(found))


def _each(owner_id: int) -> CompoundSelect[Any]:
    uploaded = select(ImportRun.uid).where(ImportRun.owner_id == owner_id)
    runs = select(ImportRun.uid, ImportRun.started_at.label("moment")).where(
        ImportRun.owner_id == owner_id
    )
    batches = select(AnalysisBatch.uid, AnalysisBatch.started_at.label("moment")).where(
        AnalysisBatch.owner_id == owner_id, AnalysisBatch.uid.not_in(uploaded)
    )
    return union_all(runs, batches)


def _of(table: Any, owner_id: int, uids: Sequence[str]) -> Any:
    return select(table).where(table.owner_id == owner_id, table.uid.in_(uids))
