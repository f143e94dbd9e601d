from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from deepmed.core.audit.tables import AuditEvent
from deepmed.core.backups.tables import BackupSchedule
from deepmed.core.jobs.tables import Job, JobState
from deepmed.core.registry.tables import Artifact

DEFAULT = "default"
RESTORED = "backup.restore"
"""The line of the audit trail that a restore writes in its own transaction."""
VERIFIED = "backup.verify"
"""The line that whoever has read a backup back writes, whatever came of it."""


def schedule(session: Session) -> BackupSchedule | None:
    return session.scalars(select(BackupSchedule).where(BackupSchedule.name == DEFAULT)).first()


def due(session: Session, moment: datetime) -> BackupSchedule | None:
    """The schedule, where its next backup is due."""
    found = schedule(session)
    return found if found is not None and found.next_at <= moment else None


def set_schedule(
    session: Session, owner_id: int, interval_hours: int, moment: datetime, *, include_files: bool
) -> BackupSchedule:
    """The first backup is due at once, each later one so many hours after the one before."""
    row = schedule(session)
    if row is None:
        row = BackupSchedule(name=DEFAULT)
        session.add(row)
    row.owner_id, row.interval_hours, row.include_files = owner_id, interval_hours, include_files
    row.next_at = row.updated_at = moment
    session.flush()
    return row


def move_on(row: BackupSchedule, moment: datetime) -> None:
    """After a pause one is made, not all that were missed."""
    row.next_at = moment + timedelta(hours=row.interval_hours)


def delete_schedule(session: Session) -> bool:
    row = schedule(session)
    if row is not None:
        session.delete(row)
    return row is not None


def running_jobs(session: Session, moment: datetime) -> int:
    """How many have a worker that was heard of."""
    query = select(func.count(Job.id)).where(
        Job.state == JobState.RUNNING.value, Job.lease_until > moment
    )
    return session.scalar(query) or 0


def unfinished_jobs(session: Session) -> list[int]:
    states = [JobState.QUEUED.value, JobState.RUNNING.value]
    return list(session.scalars(select(Job.id).where(Job.state.in_(states)).order_by(Job.id)))


def was_restored(session: Session, uid: str) -> bool:
    """Whether the restore of that uid was committed."""
    query = select(AuditEvent.id).where(AuditEvent.action == RESTORED, AuditEvent.object_id == uid)
    return session.scalars(query).first() is not None


def verifications(session: Session, names: Collection[str]) -> Sequence[AuditEvent]:
    """Who has read these backups back, in whoever's name; oldest first."""
    query = select(AuditEvent).where(AuditEvent.action == VERIFIED, AuditEvent.object_id.in_(names))
    return session.scalars(query.order_by(AuditEvent.id)).all()


def any_artifact(session: Session) -> bool:
    return session.scalar(select(Artifact.id).limit(1)) is not None


def server_bytes(session: Session) -> int:
    """What a server's database takes on its disk, as it says itself."""
    if session.get_bind().dialect.name == "postgresql":
        query = "SELECT pg_database_size(current_database())"
    else:
        query = (
            "SELECT SUM(data_length + index_length) FROM information_schema.tables "
            "WHERE table_schema = DATABASE()"
        )
    return int(session.scalar(text(query)) or 0)
