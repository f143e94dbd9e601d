"""How a run ends. Each function changes a row that the caller has locked, and says why."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import null
from sqlalchemy.orm import Session

from deepmed.core.jobs import repository
from deepmed.core.jobs.failures import Trouble, pause_after, worker_died
from deepmed.core.jobs.tables import Job, JobState
from deepmed.kit import clock

_LEFT: dict[str, Any] = {"token": None, "lease_until": None, "expected_at": None}


def succeed(session: Session, job_id: int, result: Mapping[str, Any]) -> None:
    _end(session, job_id, JobState.SUCCEEDED, {}, result=dict(result), error=null())


def fail(session: Session, job: Job, trouble: Trouble) -> None:
    """For good, or until later where the trouble may pass and attempts are left."""
    if job.cancel_requested_at is not None and trouble.transient:
        cancel(session, job.id)
    elif trouble.transient and job.attempt < job.max_attempts:
        _retry(session, job, trouble)
    else:
        error = trouble.to_dict() | {"attempts": job.attempt}
        _end(session, job.id, JobState.FAILED, {"error": error}, error=error)


def cancel(session: Session, job_id: int) -> None:
    _end(session, job_id, JobState.CANCELLED, {})


def give_back(session: Session, job: Job) -> None:
    """The worker stops: somebody else goes on, as if this attempt had not been."""
    if job.cancel_requested_at is not None:
        return cancel(session, job.id)
    values = {"state": JobState.QUEUED.value, "attempt": job.attempt - 1, **_LEFT}
    repository.append(
        session, job.id, "queued", {"reason": "worker stopped"}, available_at=clock.now(), **values
    )
    return None


def recover(session: Session, job: Job) -> None:
    """The lease has expired: its worker is gone, or so slow that another goes on instead."""
    fail(session, job, worker_died("was not heard of any more"))


def _retry(session: Session, job: Job, trouble: Trouble) -> None:
    later = clock.now() + timedelta(seconds=pause_after(job.attempt))
    data = {"error": trouble.to_dict(), "attempt": job.attempt, "available_at": later.isoformat()}
    repository.append(
        session,
        job.id,
        "retrying",
        data,
        state=JobState.QUEUED.value,
        available_at=later,
        error=trouble.to_dict(),
        **_LEFT,
    )


def _end(
    session: Session, job_id: int, state: JobState, data: Mapping[str, Any], **values: Any
) -> None:
    repository.append(
        session,
        job_id,
        state.value,
        data,
        state=state.value,
        finished_at=clock.now(),
        **_LEFT,
        **values,
    )
