from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import PASSING, Base, Owned


class AuditEvent(Owned, Base):
    """What somebody did to what, with the values before and after. Rows are only ever added."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "owner_id", "id"), {"info": PASSING})

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    action: Mapped[str] = mapped_column(String(60))
    object_type: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]]
