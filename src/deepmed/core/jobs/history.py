"""What a job has told so far, by kind: what pages draw, however they missed it live."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deepmed.core.jobs.tables import Job, JobEvent


def told(session: Session, job: Job, kinds: Collection[str]) -> Sequence[JobEvent]:
    """All events of these kinds, oldest first; whose job it is was asked when it was found."""
    query = select(JobEvent).where(JobEvent.job_id == job.id, JobEvent.kind.in_(kinds))
    return session.scalars(query.order_by(JobEvent.sequence)).all()


def is_forgotten(session: Session, job: Job) -> bool:
    """Whether most of what it told was deleted, as it is some months after a job's end."""
    first = select(func.min(JobEvent.sequence)).where(JobEvent.job_id == job.id)
    return (session.scalars(first).one() or 1) > 1
