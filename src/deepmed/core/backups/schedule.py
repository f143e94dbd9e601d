"""Backups by the clock: whoever sees first that one is due submits the job for it."""

from collections.abc import Mapping

from deepmed.core.audit import repository as audit
from deepmed.core.backups import repository
from deepmed.core.backups.tables import BackupSchedule
from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.ledger import JobLedger
from deepmed.kit import clock
from deepmed.kit.errors import ValidationError

KIND = "backups.create"
MOST_HOURS = 24 * 365


def current(home: Home) -> BackupSchedule | None:
    with home.database.read() as session:
        return repository.schedule(session)


def set_interval(
    home: Home, interval_hours: int, *, include_files: bool = True
) -> BackupSchedule | None:
    """Back up every so many hours from now on; 0 ends it. The first one is due at once.

    Raises:
        ValidationError: more than a year, or less than nothing.
    """
    if not 0 <= interval_hours <= MOST_HOURS:
        raise ValidationError(
            f"An interval has 1 to {MOST_HOURS} hours, and 0 ends the schedule. Nothing was "
            "changed."
        )
    with home.database.write() as session:
        row = None
        if interval_hours:
            row = repository.set_schedule(
                session, home.owner_id, interval_hours, clock.now(), include_files=include_files
            )
        else:
            repository.delete_schedule(session)
        audit.record(
            session, home.owner_id, "backup.schedule", "settings", "backups", hours=interval_hours
        )
    return row


def tick(home: Home, kinds: Mapping[str, JobKind]) -> int | None:
    """Submit the job of a backup that is due; returns its id. Called by every worker all the time.

    The job and the next moment are written in one transaction, so each backup is submitted once.
    """
    with home.database.read() as session:
        if repository.due(session, clock.now()) is None:
            return None
    with home.database.write() as session:
        row = repository.due(session, clock.now())
        if row is None:  # another worker was faster
            return None
        ledger = JobLedger.of(home.for_owner(row.owner_id), kinds)
        kind = "full" if row.include_files else "database"
        job = ledger.submit(KIND, {"kind": kind, "tidy": True}, session=session)
        repository.move_on(row, clock.now())
        return job.id
