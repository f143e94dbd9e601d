from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from deepmed.core.audit.tables import AuditEvent


def record(
    session: Session,
    owner_id: int,
    action: str,
    object_type: str,
    object_id: object,
    **details: Any,
) -> None:
    """Add a line to the audit trail, in the transaction of the deed itself."""
    session.add(
        AuditEvent(
            owner_id=owner_id,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            details=details,
        )
    )


def history(session: Session, owner_id: int, limit: int = 100) -> list[AuditEvent]:
    """The newest events of an owner, newest first."""
    query = select(AuditEvent).where(AuditEvent.owner_id == owner_id)
    return list(session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit)))


def happened(session: Session, owner_id: int, actions: Collection[str], since: datetime) -> bool:
    """Whether an owner has done one of these things at that moment or after it."""
    done = exists().where(
        AuditEvent.owner_id == owner_id, AuditEvent.action.in_(actions), AuditEvent.at >= since
    )
    return bool(session.scalar(select(done)))
