"""Trainings on folders, and what they came to."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned


class TrainingJob(Owned, Base):
    """A training on a folder of drawings; how far it is and how it ended is the ledger's to say."""

    __tablename__ = "training_jobs"
    __table_args__ = (
        UniqueConstraint("job_id"),
        CheckConstraint("environment IN ('local', 'sagemaker')", name="known_environment"),
        CheckConstraint("stage IN ('preparing', 'training')", name="known_stage"),
        Index(None, "owner_id", "environment", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    """Its line in the ledger."""
    job_name: Mapped[str] = mapped_column(String(200))
    environment: Mapped[str] = mapped_column(String(20))
    config_parameters: Mapped[dict[str, Any]]
    dataset_path: Mapped[str] = mapped_column(String(1000))
    """A name below the operator's folder of datasets, or a path that the command line was given."""
    metadata_file: Mapped[str] = mapped_column(String(1000))
    by_path: Mapped[bool] = mapped_column(default=False)
    """Whether the two are paths of this machine; no request can say so."""
    stage: Mapped[str] = mapped_column(String(20), default="preparing")
    sagemaker_job_name: Mapped[str | None] = mapped_column(String(63))
    sagemaker_job_arn: Mapped[str | None] = mapped_column(String(256))


class TrainingReport(Owned, Base):
    """What a training came to; the model, the items and the whole report are the artefact's."""

    __tablename__ = "training_reports"
    __table_args__ = (UniqueConstraint("training_job_id"), Index(None, "owner_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    training_job_id: Mapped[int] = mapped_column(ForeignKey("training_jobs.id", ondelete="CASCADE"))
    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifacts.id", ondelete="RESTRICT"), index=True
    )
    final_loss: Mapped[float]
    validation_accuracy: Mapped[float | None]
    best_epoch: Mapped[int]
    training_time_seconds: Mapped[float]
    metrics_summary: Mapped[dict[str, Any]]
    created_timestamp: Mapped[datetime] = mapped_column(default=clock.now)
