"""All SQL of the ledger, in the caller's session."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from deepmed.core.jobs.tables import Job, JobEvent, JobQueue, JobState
from deepmed.kit import clock
from deepmed.kit.database import AnyRow
from deepmed.kit.ids import new_uid

UNFINISHED = (JobState.QUEUED.value, JobState.RUNNING.value)
ENDED = tuple(state.value for state in JobState if state.final)
RETRIED = (JobState.FAILED.value, JobState.CANCELLED.value)
CANDIDATES = 50
"""More than the workers that may look at the head of a queue in the same moment."""


def find(session: Session, owner_id: int, job_id: int, *, lock: bool = False) -> Job | None:
    query = select(Job).where(Job.owner_id == owner_id, Job.id == job_id)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def row(session: Session, job_id: int) -> Job:
    """The job as it is now, whoever owns it: for workers. Jobs are never deleted under them."""
    return session.get_one(Job, job_id, populate_existing=True)


def by_uid(session: Session, owner_id: int, uid: str) -> Job | None:
    query = select(Job).where(Job.owner_id == owner_id, Job.uid == uid)
    return session.scalars(query).one_or_none()


def count_unfinished(session: Session, owner_id: int, kind: str) -> int:
    query = select(func.count()).where(
        Job.owner_id == owner_id, Job.state.in_(UNFINISHED), Job.kind == kind
    )
    return session.scalars(query).one()


def by_key(session: Session, owner_id: int, kind: str, key: str) -> Job | None:
    query = select(Job).where(
        Job.owner_id == owner_id, Job.kind == kind, Job.idempotency_key == key
    )
    return session.scalars(query).one_or_none()


def page(
    session: Session,
    owner_id: int,
    *,
    state: str | None,
    kind: str | None,
    before: int | None,
    limit: int,
) -> Sequence[Job]:
    """Newest first; the next page begins before the last id of this one."""
    query = select(Job).where(Job.owner_id == owner_id)
    if state is not None:
        query = query.where(Job.state == state)
    if kind is not None:
        query = query.where(Job.kind == kind)
    if before is not None:
        query = query.where(Job.id < before)
    return session.scalars(query.order_by(Job.id.desc()).limit(limit)).all()


def events(session: Session, job_id: int, after: int, limit: int) -> Sequence[JobEvent]:
    query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.sequence > after)
    return session.scalars(query.order_by(JobEvent.sequence).limit(limit)).all()


def append(
    session: Session,
    job_id: int,
    kind: str,
    data: Mapping[str, Any],
    *conditions: ColumnElement[bool],
    **values: Any,
) -> int | None:
    """Change the job and record why, under its next number; None where a condition fails.

    The change of `last_sequence` locks the row, so numbers are given in the order of commits and
    one that is rolled back is given again: nobody ever sees 3 before 2.
    """
    query = update(Job).where(Job.id == job_id, *conditions).values(**_next(values))
    if _count(session, query) != 1:
        return None
    return _record(session, job_id, kind, data)


def waiting(
    session: Session, queues: Collection[str], kinds: Collection[str], only: int | None = None
) -> set[str]:
    """The queues in which there is something to claim; a look before a write transaction."""
    return set(session.scalars(select(Job.queue).where(_ready(queues, kinds, only)).distinct()))


def know_queue(session: Session, name: str) -> None:
    """Make the row that claims from a limited queue lock."""
    if session.scalar(select(JobQueue.id).where(JobQueue.name == name)) is None:
        session.execute(insert(JobQueue).values(name=name))


def with_room(session: Session, limits: Mapping[str, int]) -> set[str]:
    """Which of these queues may have one more running; locked until the transaction ends.

    One that another worker is just claiming from counts as full.
    """
    locked = session.scalars(
        select(JobQueue.name).where(JobQueue.name.in_(limits)).with_for_update(skip_locked=True)
    ).all()
    running = select(Job.queue, func.count().label("running")).where(
        Job.state == JobState.RUNNING.value, Job.queue.in_(locked)
    )
    counts = {found.queue: found.running for found in session.execute(running.group_by(Job.queue))}
    return {queue for queue in locked if counts.get(queue, 0) < limits[queue]}


def claim(
    session: Session,
    worker: str,
    queues: Collection[str],
    kinds: Collection[str],
    *,
    lease_until: datetime,
    only: int | None = None,
) -> Job | None:
    """Make the first job in line ours: by priority, then by age. None where there is none free.

    Two workers never get the same job, and neither waits for the other.
    """
    ready = _ready(queues, kinds, only)
    values = {
        "state": JobState.RUNNING.value,
        "worker": worker,
        "token": new_uid(),
        "lease_until": lease_until,
        "attempt": Job.attempt + 1,
        "started_at": clock.now(),
        "expected_at": None,
    }
    first = select(Job.id).where(ready).order_by(Job.priority.desc(), Job.id)
    if session.get_bind().dialect.name == "sqlite":
        taken = _claim_at_once(session, first, values)
    else:
        taken = _claim_unlocked(session, first, ready, values)
    if taken is None:
        return None
    job = row(session, taken)
    _record(session, taken, "started", {"attempt": job.attempt, "worker": worker})
    return job


def _claim_at_once(session: Session, first: Any, values: dict[str, Any]) -> int | None:
    query = (
        update(Job)
        .where(Job.id == first.limit(1).scalar_subquery(), Job.state == JobState.QUEUED.value)
        .values(**_next(values))
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(query).one_or_none()


def _claim_unlocked(
    session: Session, first: Any, ready: ColumnElement[bool], values: dict[str, Any]
) -> int | None:
    # Each candidate is locked by its id: a locking search would lock all that it looks at (MySQL).
    candidates = session.scalars(first.limit(CANDIDATES)).all()
    job = next(_unlocked(session, candidates, ready), None)
    if job is None:
        return None
    _count(session, update(Job).where(Job.id == job.id).values(**_next(values)))
    return job.id


def expired(session: Session, moment: datetime, limit: int = 20) -> Iterator[Job]:
    """Running jobs whose worker is gone, locked; those that somebody else looks at are left out."""
    gone = and_(Job.state == JobState.RUNNING.value, Job.lease_until < moment)
    ids = session.scalars(select(Job.id).where(gone).order_by(Job.lease_until).limit(limit)).all()
    return _unlocked(session, ids, gone)


def any_expired(session: Session, moment: datetime) -> bool:
    gone = exists().where(Job.state == JobState.RUNNING.value, Job.lease_until < moment)
    return bool(session.scalar(select(gone)))


def renew(session: Session, tokens: Mapping[int, str], lease_until: datetime) -> None:
    """Prolong these leases; one whose row is locked is being written to and prolongs itself."""
    held = (Job.id.in_(tokens), Job.token.in_(tokens.values()))
    free = session.scalars(select(Job.id).where(*held).with_for_update(skip_locked=True)).all()
    _count(session, update(Job).where(Job.id.in_(free)).values(lease_until=lease_until))


def hold(session: Session, job_id: int, token: str, lease_until: datetime) -> bool:
    """Lock the job's row and prolong its lease, if this run still has it."""
    query = update(Job).where(Job.id == job_id, Job.token == token)
    return _count(session, query.values(lease_until=lease_until)) == 1


def standing(session: Session, ids: Iterable[int]) -> Sequence[AnyRow]:
    """Id, token and cancellation of jobs, as others have left them."""
    query = select(Job.id, Job.token, Job.cancel_requested_at)
    return session.execute(query.where(Job.id.in_(list(ids)))).all()


def going_on(session: Session, uids: Collection[str], since: datetime) -> Sequence[Job]:
    """Those of these jobs that may still run, or ended after that moment and can be retried."""
    retried = and_(Job.state.in_(RETRIED), Job.finished_at >= since)
    query = select(Job).where(Job.uid.in_(uids), or_(Job.state.in_(UNFINISHED), retried))
    return session.scalars(query).all()


def heads(session: Session, ids: Collection[int]) -> dict[int, int]:
    """The number of each job's last event."""
    query = select(Job.id, Job.last_sequence).where(Job.id.in_(ids))
    return {found.id: found.last_sequence for found in session.execute(query)}


def changed(session: Session, owner_id: int, since: datetime) -> dict[int, int]:
    """The last event's number of each job that something happened to."""
    query = select(Job.id, Job.last_sequence).where(
        Job.owner_id == owner_id, Job.updated_at >= since
    )
    return {found.id: found.last_sequence for found in session.execute(query)}


def last_before(session: Session, job_id: int, moment: datetime) -> int:
    """The number of the job's last event before a moment; 0 where there was none."""
    query = select(func.max(JobEvent.sequence)).where(
        JobEvent.job_id == job_id, JobEvent.at < moment
    )
    return session.scalar(query) or 0


def with_old_events(session: Session, before: datetime, limit: int) -> Sequence[int]:
    """Jobs of all owners that ended before a moment and have more than their last event."""
    earlier = exists().where(JobEvent.job_id == Job.id, JobEvent.sequence < Job.last_sequence)
    query = select(Job.id).where(*_ended(before), earlier)
    return session.scalars(query.order_by(Job.id).limit(limit)).all()


def forget_events(session: Session, ids: Collection[int], before: datetime) -> None:
    """Delete all but the last event of these jobs; one that runs again meanwhile keeps all."""
    last = select(Job.last_sequence).where(Job.id == JobEvent.job_id, *_ended(before))
    query = delete(JobEvent).where(
        JobEvent.job_id.in_(ids), JobEvent.sequence < last.scalar_subquery()
    )
    _count(session, query)


def _ended(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Job.state.in_(ENDED), Job.finished_at < before


def _ready(
    queues: Collection[str], kinds: Collection[str], only: int | None
) -> ColumnElement[bool]:
    return and_(
        Job.state == JobState.QUEUED.value,
        Job.queue.in_(queues),
        Job.kind.in_(kinds),
        Job.available_at <= clock.now(),
        true() if only is None else Job.id == only,
    )


def _unlocked(
    session: Session, ids: Iterable[int], condition: ColumnElement[bool]
) -> Iterator[Job]:
    for job_id in ids:
        query = select(Job).where(Job.id == job_id, condition).with_for_update(skip_locked=True)
        found = session.scalars(query, execution_options={"populate_existing": True})
        if job := found.one_or_none():
            yield job


def _next(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"last_sequence": Job.last_sequence + 1, "updated_at": clock.now(), **values}


def _record(session: Session, job_id: int, kind: str, data: Mapping[str, Any]) -> int:
    sequence = session.scalars(select(Job.last_sequence).where(Job.id == job_id)).one()
    session.execute(
        insert(JobEvent).values(job_id=job_id, sequence=sequence, kind=kind, data=dict(data))
    )
    return sequence


def _count(session: Session, query: Any) -> int:
    result = session.execute(query.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount
