from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned


class BackupSchedule(Owned, Base):
    """How often this installation backs itself up; its jobs belong to whoever set it."""

    __tablename__ = "backup_schedules"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("interval_hours >= 1", name="interval"),
        Index(None, "owner_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    """There is one so far, `default`."""
    interval_hours: Mapped[int]
    include_files: Mapped[bool] = mapped_column(default=True)
    next_at: Mapped[datetime]
    """When the next one is due; whoever sees it first submits the job and moves it on."""
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
