"""Trainings on X-rays: what was asked for, what they said while they ran, what they came to."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import PASSING, Base, Owned
from deepmed.kit.ids import new_uid

DESCRIPTION_LENGTH, PATH_LENGTH, REASON_LENGTH = 1024, 1024, 2000
IN_PROGRESS, COMPLETED, FAILED = "in_progress", "completed", "failed"


class XrayRun(Owned, Base):
    """A training, from when it was asked for to its end."""

    __tablename__ = "xray_runs"
    __table_args__ = (
        UniqueConstraint("uid"),
        UniqueConstraint("job_id"),
        CheckConstraint("training_mode IN ('centralized', 'federated')", name="known_mode"),
        CheckConstraint("status IN ('in_progress', 'completed', 'failed')", name="known_status"),
        Index(None, "owner_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), default=new_uid)
    """Name of its folder."""
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    """Its line in the ledger; a training that a program calls has none."""
    run_description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH))
    training_mode: Mapped[str] = mapped_column(String(20), default="centralized")
    status: Mapped[str] = mapped_column(String(20), default=IN_PROGRESS)
    stage: Mapped[str] = mapped_column(String(40), default="waiting")
    """Which of the nine steps it has begun."""
    reason: Mapped[str | None] = mapped_column(String(REASON_LENGTH))
    """Why it failed."""
    source_path: Mapped[str] = mapped_column(String(PATH_LENGTH))
    csv_filename: Mapped[str | None] = mapped_column(String(255))
    configuration: Mapped[dict[str, Any]]
    """Resolved, defaults included."""
    split_digest: Mapped[str | None] = mapped_column(String(64))
    artifact_id: Mapped[int | None] = mapped_column(
        ForeignKey("artifacts.id", ondelete="RESTRICT"), index=True
    )
    results: Mapped[dict[str, Any] | None]
    start_time: Mapped[datetime] = mapped_column(default=clock.now)
    end_time: Mapped[datetime | None]


class XrayRunEvent(Base):
    """What a run said: 0, 1, 2, … in each run without a gap. Rows are only ever added."""

    __tablename__ = "xray_run_events"
    __table_args__ = (UniqueConstraint("run_id", "sequence"), {"info": PASSING})

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("xray_runs.id", ondelete="CASCADE"))
    sequence: Mapped[int]
    type: Mapped[str] = mapped_column(String(40))
    timestamp: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]


class XrayRunMetric(Base):
    """A number of a run at an epoch; an epoch that is repeated after a kill replaces its own."""

    __tablename__ = "xray_run_metrics"
    __table_args__ = (UniqueConstraint("run_id", "metric_name", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("xray_runs.id", ondelete="CASCADE"))
    metric_name: Mapped[str] = mapped_column(String(255))
    metric_value: Mapped[float]
    step: Mapped[int]
    """Epoch, counted from 1."""
    dataset_type: Mapped[str] = mapped_column(String(50))
