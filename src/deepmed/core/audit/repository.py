from typing import Any

from sqlalchemy import select
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
