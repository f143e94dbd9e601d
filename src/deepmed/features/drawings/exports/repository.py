from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from deepmed.features.drawings.tables import ExplanationExport
from deepmed.kit.database.batches import in_batches


def add(session: Session, row: ExplanationExport) -> ExplanationExport:
    session.add(row)
    session.flush()
    return row


def by_uid(session: Session, owner_id: int, uid: str, moment: datetime) -> ExplanationExport | None:
    """The owner's export, unless it has expired by then."""
    query = select(ExplanationExport).where(
        ExplanationExport.uid == uid,
        ExplanationExport.owner_id == owner_id,
        ExplanationExport.expires_at > moment,
    )
    return session.scalars(query).one_or_none()


def expired(session: Session, moment: datetime) -> Sequence[ExplanationExport]:
    """Of all owners."""
    query = select(ExplanationExport).where(ExplanationExport.expires_at <= moment)
    return session.scalars(query.order_by(ExplanationExport.id)).all()


def remove(session: Session, ids: Iterable[int]) -> None:
    for some in in_batches(list(ids)):
        session.execute(delete(ExplanationExport).where(ExplanationExport.id.in_(some)))
