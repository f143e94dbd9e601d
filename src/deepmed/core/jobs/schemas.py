"""Jobs as JSON shows them."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from deepmed.core.jobs.tables import Job, JobEvent, JobState
from deepmed.kit import clock


class JobError(BaseModel):
    code: str = Field(description="Stable name of what went wrong.")
    message: str = Field(description="What happened, what was kept, what to do.")
    error_id: str = Field(description="Finds the details in the log.")
    attempts: int | None = Field(None, description="Attempts that were made in all.")


class JobView(BaseModel):
    id: int
    uid: str
    kind: str
    title: str
    queue: str
    state: JobState
    priority: int
    payload: dict[str, Any]
    attempt: int = Field(description="1 in the first run, 0 before it.")
    max_attempts: int
    available_at: datetime = Field(description="Not begun before this moment.")
    completed: int = Field(description="Units of work done, of `total`.")
    total: int = Field(description="0 while unknown.")
    message: str = Field(description="What it is doing, for people.")
    eta_seconds: float | None = Field(description="Seconds to go, if it goes on as it went.")
    cancel_requested: bool
    result: dict[str, Any] | None
    error: JobError | None = Field(description="The last failure, also while a retry waits.")
    last_sequence: int = Field(description="Number of its newest event.")
    created_at: datetime
    started_at: datetime | None = Field(description="When its present or last attempt began.")
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        names = cls.model_fields.keys() - {"eta_seconds", "cancel_requested"}
        return cls.model_validate(
            {name: getattr(job, name) for name in names}
            | {
                "eta_seconds": seconds_to_go(job),
                "cancel_requested": job.cancel_requested_at is not None,
            }
        )


class JobPage(BaseModel):
    jobs: list[JobView]
    next_before: int | None = Field(description="`before` of the next page; null on the last.")


class EventView(BaseModel):
    job_id: int
    sequence: int = Field(description="1, 2, 3, … in each job without a gap.")
    kind: str
    at: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, event: JobEvent) -> Self:
        return cls.model_validate({name: getattr(event, name) for name in cls.model_fields})


class Envelope(BaseModel):
    """What the event stream sends: the kind of event, its moment, and the event."""

    type: str
    timestamp: datetime
    data: EventView

    @classmethod
    def of(cls, event: JobEvent) -> Self:
        return cls(type=f"job.{event.kind}", timestamp=event.at, data=EventView.of(event))


def seconds_to_go(job: Job) -> float | None:
    if job.state != JobState.RUNNING or job.expected_at is None:
        return None
    return max(0.0, (job.expected_at - clock.now()).total_seconds())
