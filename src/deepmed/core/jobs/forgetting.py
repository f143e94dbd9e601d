"""How a job went is forgotten some months after its end; the job and its outcome stay."""

from datetime import datetime, timedelta

from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.database.batches import in_batches

LOOK_SECONDS = 3600.0
MOST, AT_ONCE = 1000, 50
"""Jobs that one look takes, and those of one transaction: workers that write are let in between."""


def forget_old(home: Home) -> int:
    """Forget what the settings call old, of all owners; returns how many jobs that were."""
    return forget(home.database, clock.now() - timedelta(days=home.settings.job_event_days))


def forget(database: Database, before: datetime) -> int:
    """Delete the events but the last of jobs that ended before a moment.

    The last one says that the job has ended: whoever listens to it waits for nothing more.
    """
    with database.read() as session:
        ids = repository.with_old_events(session, before, MOST)
    for batch in in_batches(ids, AT_ONCE):
        with database.write() as session:
            repository.forget_events(session, batch, before)
    return len(ids)
