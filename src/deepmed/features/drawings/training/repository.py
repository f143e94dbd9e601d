from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from deepmed.core.jobs.tables import Job, JobEvent, JobState
from deepmed.features.drawings.tables import TrainingJob, TrainingReport

Line = tuple[TrainingJob, Job]
"""A training and its line in the ledger."""

STATUSES: dict[str, ColumnElement[bool]] = {
    "pending": Job.state == JobState.QUEUED.value,
    "preparing": and_(Job.state == JobState.RUNNING.value, TrainingJob.stage == "preparing"),
    "running": and_(Job.state == JobState.RUNNING.value, TrainingJob.stage == "training"),
    "completed": Job.state == JobState.SUCCEEDED.value,
    "failed": Job.state == JobState.FAILED.value,
    "cancelled": Job.state == JobState.CANCELLED.value,
}
"""The contract's words for a training, in terms of the ledger."""


def status_of(line: Line) -> str:
    training, job = line
    ended = {
        JobState.QUEUED: "pending",
        JobState.SUCCEEDED: "completed",
        JobState.FAILED: "failed",
        JobState.CANCELLED: "cancelled",
    }
    running = "preparing" if training.stage == "preparing" else "running"
    return ended.get(JobState(job.state), running)


def find(session: Session, owner_id: int, training_id: int) -> Line | None:
    query = _lines(owner_id).where(TrainingJob.id == training_id)
    found = session.execute(query).one_or_none()
    return None if found is None else (found[0], found[1])


def by_ledger(session: Session, job_id: int) -> TrainingJob:
    return session.scalars(select(TrainingJob).where(TrainingJob.job_id == job_id)).one()


def page(
    session: Session, owner_id: int, *, environment: str | None, status: str | None, limit: int
) -> Sequence[Line]:
    """Newest first."""
    query = _lines(owner_id)
    if environment is not None:
        query = query.where(TrainingJob.environment == environment)
    if status is not None:
        query = query.where(STATUSES[status])
    found = session.execute(query.order_by(TrainingJob.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in found]


def change(session: Session, training_id: int, **values: Any) -> None:
    session.execute(update(TrainingJob).where(TrainingJob.id == training_id).values(**values))


def last_told(session: Session, job_id: int, kind: str) -> dict[str, Any] | None:
    """What the newest event of this kind says."""
    query = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.kind == kind)
    return session.scalars(query.order_by(JobEvent.sequence.desc()).limit(1)).first()


def report_of(session: Session, training_id: int) -> TrainingReport | None:
    query = select(TrainingReport).where(TrainingReport.training_job_id == training_id)
    return session.scalars(query).one_or_none()


def report(
    session: Session, owner_id: int, training_id: int, report_id: int
) -> TrainingReport | None:
    query = select(TrainingReport).where(
        TrainingReport.owner_id == owner_id,
        TrainingReport.training_job_id == training_id,
        TrainingReport.id == report_id,
    )
    return session.scalars(query).one_or_none()


def _lines(owner_id: int) -> Any:
    return (
        select(TrainingJob, Job)
        .join(Job, Job.id == TrainingJob.job_id)
        .where(TrainingJob.owner_id == owner_id)
    )
