"""All SQL of trainings on X-rays, in the caller's session."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from deepmed.core.audit.tables import AuditEvent
from deepmed.core.jobs.tables import Job, JobState
from deepmed.features.xray.tables import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    XrayRun,
    XrayRunEvent,
    XrayRunMetric,
)
from deepmed.kit.errors import NotFoundError

TEST_LOOK = "xray.test_look"
Line = tuple[XrayRun, Job | None]
"""A run and its line in the ledger, where it has one."""
_OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)
_OVER = (JobState.FAILED.value, JobState.CANCELLED.value)

STATUSES: dict[str, ColumnElement[bool]] = {
    COMPLETED: XrayRun.status == COMPLETED,
    IN_PROGRESS: and_(
        XrayRun.status != COMPLETED,
        or_(Job.state.in_(_OPEN), and_(Job.id.is_(None), XrayRun.status == IN_PROGRESS)),
    ),
    FAILED: and_(
        XrayRun.status != COMPLETED,
        or_(Job.state.in_(_OVER), and_(Job.id.is_(None), XrayRun.status == FAILED)),
    ),
}
"""The contract's words. A run that the ledger will take up again is in progress, whatever its last
attempt came to; one whose worker died for good has failed, though nobody was left to say so."""


def status_of(line: Line) -> str:
    run, job = line
    if run.status == COMPLETED or job is None:
        return run.status
    return IN_PROGRESS if job.state in _OPEN else FAILED


def reason_of(line: Line) -> str | None:
    """Why a run failed, in words."""
    run, job = line
    if status_of(line) != FAILED:
        return None
    if job is not None and job.state == JobState.CANCELLED:
        return "It was cancelled; resume it to go on from its last checkpoint."
    return run.reason or ((job.error or {}).get("message") if job is not None else None)


def find(session: Session, owner_id: int, run_id: int) -> Line | None:
    found = session.execute(_lines(owner_id).where(XrayRun.id == run_id)).one_or_none()
    return None if found is None else (found[0], found[1])


def run_of(session: Session, owner_id: int, run_id: int) -> XrayRun:
    """Raises NotFoundError where it is not this owner's."""
    query = select(XrayRun).where(XrayRun.owner_id == owner_id, XrayRun.id == run_id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no run {run_id}.")
    return found


def by_job(session: Session, owner_id: int, job_id: int) -> XrayRun:
    """The run that a job is about."""
    query = select(XrayRun).where(XrayRun.owner_id == owner_id, XrayRun.job_id == job_id)
    return session.scalars(query).one()


def find_by_job(session: Session, owner_id: int, job_id: int) -> XrayRun | None:
    query = select(XrayRun).where(XrayRun.owner_id == owner_id, XrayRun.job_id == job_id)
    return session.scalars(query).one_or_none()


def by_uid(session: Session, owner_id: int, uid: str) -> XrayRun | None:
    query = select(XrayRun).where(XrayRun.owner_id == owner_id, XrayRun.uid == uid)
    return session.scalars(query).one_or_none()


def page(
    session: Session, owner_id: int, *, status: str | None, limit: int, offset: int = 0
) -> Sequence[Line]:
    """Newest first."""
    query = _lines(owner_id).order_by(XrayRun.id.desc()).limit(limit).offset(offset)
    if status is not None:
        query = query.where(STATUSES[status])
    return [(found[0], found[1]) for found in session.execute(query)]


def change(session: Session, run_id: int, **values: Any) -> None:
    session.execute(update(XrayRun).where(XrayRun.id == run_id).values(**values))


def next_sequence(session: Session, run_id: int) -> int:
    """Number of the next message."""
    last = session.scalar(
        select(func.max(XrayRunEvent.sequence)).where(XrayRunEvent.run_id == run_id)
    )
    return 0 if last is None else last + 1


def events(session: Session, run_id: int, first: int, limit: int) -> Sequence[XrayRunEvent]:
    """Messages from that number on, in order."""
    query = select(XrayRunEvent).where(
        XrayRunEvent.run_id == run_id, XrayRunEvent.sequence >= first
    )
    return session.scalars(query.order_by(XrayRunEvent.sequence).limit(limit)).all()


def told(
    session: Session, run_id: int, kind: str, most: int | None = None
) -> Sequence[XrayRunEvent]:
    """Messages of one type in order; of more than `most` every so manieth, and the last."""
    of_kind = (XrayRunEvent.run_id == run_id, XrayRunEvent.type == kind)
    query = select(XrayRunEvent).where(*of_kind).order_by(XrayRunEvent.sequence)
    if most is None:
        return session.scalars(query).all()
    count = session.scalar(select(func.count()).select_from(XrayRunEvent).where(*of_kind)) or 0
    step = -(-count // most) or 1
    place = func.row_number().over(order_by=XrayRunEvent.sequence.desc()).label("place")
    placed = select(XrayRunEvent.id, place).where(*of_kind).subquery()
    kept = select(placed.c.id).where(placed.c.place % step == 1 % step)
    return session.scalars(query.where(XrayRunEvent.id.in_(kept))).all()


def looks_at(session: Session, owner_id: int, split: str, test: str) -> Sequence[str]:
    """The run of each look at a test part, or at the test part of that split, in order."""
    query = select(AuditEvent.object_id).where(
        AuditEvent.owner_id == owner_id,
        AuditEvent.action == TEST_LOOK,
        or_(
            AuditEvent.details["test"].as_string() == test,
            AuditEvent.details["split"].as_string() == split,
        ),
    )
    return session.scalars(query.order_by(AuditEvent.id)).all()


def replace_metrics(
    session: Session, run_id: int, step: int, values: Mapping[str, float], parts: Mapping[str, str]
) -> None:
    """The numbers of an epoch; those that it had before go."""
    session.execute(
        delete(XrayRunMetric).where(
            XrayRunMetric.run_id == run_id,
            XrayRunMetric.step == step,
            XrayRunMetric.metric_name.in_(list(values)),
        )
    )
    session.add_all(
        XrayRunMetric(
            run_id=run_id, metric_name=name, metric_value=value, step=step, dataset_type=parts[name]
        )
        for name, value in values.items()
    )


def metrics(session: Session, run_id: int) -> Sequence[XrayRunMetric]:
    """By epoch and name."""
    query = select(XrayRunMetric).where(XrayRunMetric.run_id == run_id)
    return session.scalars(query.order_by(XrayRunMetric.step, XrayRunMetric.metric_name)).all()


def _lines(owner_id: int) -> Any:
    query = select(XrayRun, Job).outerjoin(Job, Job.id == XrayRun.job_id)
    return query.where(XrayRun.owner_id == owner_id)
