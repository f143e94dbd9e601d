from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import PASSING, Base, Owned
from deepmed.kit.ids import new_uid

TITLE_LENGTH, MESSAGE_LENGTH, KEY_LENGTH = 300, 500, 200


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class Job(Owned, Base):
    """A piece of accepted work.

    While it runs, `token` names the one run that may write for it, and `lease_until` says how long
    that run is believed to be alive without a heartbeat.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("uid"),
        UniqueConstraint("owner_id", "kind", "idempotency_key"),
        CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="known_state"
        ),
        CheckConstraint("(state = 'running') = (token IS NOT NULL)", name="running_has_token"),
        CheckConstraint(
            "attempt >= 0 AND attempt <= max_attempts AND max_attempts >= 1", name="attempts_count"
        ),
        Index(None, "state", "queue", "priority", "id"),  # the next to run
        Index(None, "state", "lease_until"),  # those whose worker is gone
        Index(None, "owner_id", "id"),  # the list
        Index(None, "owner_id", "state", "id"),  # the list of one state
        Index(None, "owner_id", "updated_at"),  # what a listener has not seen
        {"info": PASSING},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), default=new_uid)
    kind: Mapped[str] = mapped_column(String(60))
    queue: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), default=JobState.QUEUED.value)
    priority: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    available_at: Mapped[datetime] = mapped_column(default=clock.now)
    worker: Mapped[str | None] = mapped_column(String(200))
    token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    completed: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(String(MESSAGE_LENGTH), default="")
    expected_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    last_sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    idempotency_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))


class JobEvent(Base):
    """What happened to a job: 1, 2, 3, … in each job without a gap. Rows are only ever added."""

    __tablename__ = "job_events"
    __table_args__ = (UniqueConstraint("job_id", "sequence"), {"info": PASSING})

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    sequence: Mapped[int]
    kind: Mapped[str] = mapped_column(String(60))
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=clock.now)


class JobQueue(Base):
    """A queue of which only so many run at once, over all workers: who claims from it locks it."""

    __tablename__ = "job_queues"
    __table_args__ = (UniqueConstraint("name"), {"info": PASSING})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
