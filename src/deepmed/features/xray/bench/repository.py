"""What the benchmark asks a data folder about its trainings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deepmed.core.audit.tables import AuditEvent
from deepmed.features.xray.tables import XrayRunEvent


def told(session: Session, run_id: int) -> Sequence[dict[str, Any]]:
    """What a run said of its course."""
    query = select(XrayRunEvent.data).where(
        XrayRunEvent.run_id == run_id, XrayRunEvent.type == "status"
    )
    return session.scalars(query).all()


def looks_at_test(
    session: Session, owner_id: int, object_id: int | str, object_type: str = "xray_run"
) -> int:
    """How often a test part was opened for a run or something else, as the audit trail has it."""
    query = select(func.count(AuditEvent.id)).where(
        AuditEvent.owner_id == owner_id,
        AuditEvent.action == "xray.test_look",
        AuditEvent.object_type == object_type,
        AuditEvent.object_id == str(object_id),
    )
    return session.scalar(query) or 0
