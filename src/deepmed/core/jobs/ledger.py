"""One owner's jobs. Another owner's do not exist here (S-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import BaseModel
from sqlalchemy import null
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.payloads import read_payload, write_payload
from deepmed.core.jobs.tables import KEY_LENGTH, TITLE_LENGTH, Job, JobEvent, JobState
from deepmed.core.jobs.topics import JOBS
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError

MOST = 500
LARGEST_ID = 2**31 - 1


@dataclass(frozen=True)
class JobLedger:
    """Accepts work, and says what became of it.

    `kinds` is needed to submit only. `submit`, `cancel` and `retry` commit by themselves, unless
    `submit` is given the session of the caller's own write block.
    """

    database: Database
    owner_id: int
    kinds: Mapping[str, JobKind] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Home, kinds: Mapping[str, JobKind] | None = None) -> Self:
        return cls(home.database, home.owner_id, kinds or {})

    def submit(
        self,
        kind: str,
        payload: BaseModel | Mapping[str, Any],
        *,
        priority: int = 0,
        idempotency_key: str | None = None,
        session: Session | None = None,
    ) -> Job:
        """Accept a job; a higher priority goes first, then the older one.

        With a key that a job of this kind already has, that job is returned and no other is made.

        Raises:
            ValidationError: there is no such kind, or its payload or key is not acceptable.
            ConflictError: the key was used with another payload.
        """
        job = self._new(kind, payload, priority, idempotency_key)
        if session is not None:
            return self._add(session, job)
        with self.database.write_concurrently() as own:
            return self._add(own, job)

    def get(self, session: Session, job_id: int) -> Job:
        """The job; NotFoundError where it is not this owner's."""
        return self._find(session, job_id)

    def find(self, session: Session, uid: str) -> Job | None:
        """The job of that uid, if it is this owner's."""
        return repository.by_uid(session, self.owner_id, uid)

    def count_unfinished(self, session: Session, kind: str) -> int:
        """How many of this kind are queued or running."""
        return repository.count_unfinished(session, self.owner_id, kind)

    def list(
        self,
        session: Session,
        *,
        state: str | None = None,
        kind: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Job]:
        """Newest first; `before` is the last id of the page before this one.

        Raises:
            ValidationError: there is no such state, or the limit is not 1 to 500.
        """
        if state is not None and state not in set(JobState):
            raise ValidationError(f"There is no state {state!r}; choose {', '.join(JobState)}.")
        if not 1 <= limit <= MOST:
            raise ValidationError(f"A page has 1 to {MOST} jobs, not {limit}.")
        before = None if before is None else min(before, LARGEST_ID)
        return repository.page(
            session, self.owner_id, state=state, kind=kind, before=before, limit=limit
        )

    def events(
        self, session: Session, job_id: int, after: int = 0, limit: int = MOST
    ) -> Sequence[JobEvent]:
        """What happened after the event of that number, oldest first.

        Raises:
            NotFoundError: there is no such job of this owner.
            ValidationError: the job has had no event of that number.
        """
        JOBS.check(session, self.owner_id, {job_id: after})
        return repository.events(session, job_id, after, limit)

    def cancel(self, job_id: int) -> Job:
        """Stop a job: at once where nobody works on it, else within ten seconds.

        Raises:
            NotFoundError: there is no such job of this owner.
            ConflictError: it has ended otherwise.
        """
        with self.database.write_concurrently() as session:
            job = self._find(session, job_id, lock=True)
            if job.state in {JobState.SUCCEEDED, JobState.FAILED}:
                raise ConflictError(
                    f"Job {job_id} has {job.state} already, so there is nothing to cancel."
                )
            self._cancel(session, job)
            return self._again(session, job)

    def retry(self, job_id: int) -> Job:
        """Queue a failed or cancelled job again, with all its attempts.

        Raises:
            NotFoundError: there is no such job of this owner.
            ConflictError: it has not failed and was not cancelled.
        """
        with self.database.write_concurrently() as session:
            job = self._find(session, job_id, lock=True)
            if job.state not in {JobState.FAILED, JobState.CANCELLED}:
                raise ConflictError(
                    f"Job {job_id} is {job.state}; only a failed or cancelled one can be retried."
                )
            self._queue_again(session, job)
            return self._again(session, job)

    def _new(
        self,
        name: str,
        payload: BaseModel | Mapping[str, Any],
        priority: int,
        idempotency_key: str | None,
    ) -> Job:
        kind = self.kinds.get(name)
        if kind is None:
            raise ValidationError(f"There is no kind of job named {name!r}.")
        if idempotency_key is not None and not 1 <= len(idempotency_key) <= KEY_LENGTH:
            raise ValidationError(f"An idempotency key has 1 to {KEY_LENGTH} characters.")
        checked = read_payload(kind, payload)
        return Job(
            owner_id=self.owner_id,
            kind=kind.name,
            queue=kind.queue,
            title=kind.title(checked)[:TITLE_LENGTH],
            payload=write_payload(checked),
            priority=priority,
            max_attempts=kind.attempts,
            idempotency_key=idempotency_key,
        )

    def _add(self, session: Session, job: Job) -> Job:
        if (there := self._same(session, job)) is not None:
            return there
        try:
            with session.begin_nested():
                session.add(job)
        except IntegrityError:
            there = self._same(session, job)  # submitted in the same moment
            if there is None:
                raise
            return there
        repository.append(session, job.id, "queued", {})
        return self._again(session, job)

    def _same(self, session: Session, job: Job) -> Job | None:
        key = job.idempotency_key
        if key is None:
            return None
        there = repository.by_key(session, self.owner_id, job.kind, key)
        if there is not None and there.payload != job.payload:
            raise ConflictError(
                f"The idempotency key {key!r} belongs to job {there.id}, which was "
                "submitted with other values. Nothing was queued; choose another key."
            )
        return there

    def _cancel(self, session: Session, job: Job) -> None:
        lease = job.lease_until
        if job.state == JobState.QUEUED or (lease is not None and lease < clock.now()):
            endings.cancel(session, job.id)
        elif job.state == JobState.RUNNING and job.cancel_requested_at is None:
            repository.append(
                session, job.id, "cancel_requested", {}, cancel_requested_at=clock.now()
            )

    def _queue_again(self, session: Session, job: Job) -> None:
        repository.append(
            session,
            job.id,
            "queued",
            {"reason": "retried"},
            state=JobState.QUEUED.value,
            attempt=0,
            available_at=clock.now(),
            cancel_requested_at=None,
            completed=0,
            total=0,
            message="",
            error=null(),
            started_at=None,
            finished_at=None,
        )

    def _find(self, session: Session, job_id: int, *, lock: bool = False) -> Job:
        possible = 0 < job_id <= LARGEST_ID
        job = repository.find(session, self.owner_id, job_id, lock=lock) if possible else None
        if job is None:
            raise NotFoundError(f"There is no job {job_id}.")
        return job

    def _again(self, session: Session, job: Job) -> Job:
        session.refresh(job)
        return job
