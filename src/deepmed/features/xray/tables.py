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
    reproduces: Mapped[str | None] = mapped_column(String(32))
    """The uid of the run that it trains again, to see whether it comes out the same."""
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


class XrayDefaults(Owned, Base):
    """What an owner's trainings are told unless told otherwise."""

    __tablename__ = "xray_defaults"
    __table_args__ = (UniqueConstraint("owner_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]]
    """Sections with those values alone that the owner has set; the rest is the program's."""
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)


class XrayClient(Base):
    """One holder of images in a federated training."""

    __tablename__ = "xray_clients"
    __table_args__ = (UniqueConstraint("run_id", "client_identifier"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("xray_runs.id", ondelete="CASCADE"))
    client_identifier: Mapped[str] = mapped_column(String(255))
    """client_0, client_1, …"""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    client_config: Mapped[dict[str, Any]]
    """Its images and patients, by part and class."""


class XrayRound(Base):
    """What a client did in a round; a round that is repeated after a kill replaces its own."""

    __tablename__ = "xray_rounds"
    __table_args__ = (UniqueConstraint("client_id", "round_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("xray_clients.id", ondelete="CASCADE"))
    round_number: Mapped[int]
    """Counted from 1."""
    start_time: Mapped[datetime]
    end_time: Mapped[datetime | None]
    round_metadata: Mapped[dict[str, Any]]
    """`status` and, where it answered, its metrics; else the reason."""


class XrayServerEvaluation(Base):
    """The common model on the validation part after a round; round 0 is the model at first."""

    __tablename__ = "xray_server_evaluations"
    __table_args__ = (UniqueConstraint("run_id", "round_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("xray_runs.id", ondelete="CASCADE"))
    round_number: Mapped[int]
    loss: Mapped[float]
    accuracy: Mapped[float | None]
    precision: Mapped[float | None]
    recall: Mapped[float | None]
    f1_score: Mapped[float | None]
    auroc: Mapped[float | None]
    true_positives: Mapped[int | None]
    true_negatives: Mapped[int | None]
    false_positives: Mapped[int | None]
    false_negatives: Mapped[int | None]
    num_samples: Mapped[int]
    evaluation_time: Mapped[datetime] = mapped_column(default=clock.now)
    additional_metrics: Mapped[dict[str, Any]]


class XrayServedRun(Owned, Base):
    """The run that an owner chose to answer about single images; without one the newest does."""

    __tablename__ = "xray_served_runs"
    __table_args__ = (UniqueConstraint("owner_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("xray_runs.id", ondelete="CASCADE"), index=True)
    chosen_at: Mapped[datetime] = mapped_column(default=clock.now)
