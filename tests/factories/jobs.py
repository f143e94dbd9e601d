"""What tests of jobs share: an open data folder, a ledger, workers, and patience."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, select

from deepmed.app import open_home
from deepmed.core.audit.tables import AuditEvent
from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.core.jobs.tables import Job, JobEvent, JobState
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from factories.job_kinds import BY_NAME

QUICK = Pace(lease=2.0, heartbeat=0.2, poll=0.05, grace=1.0, idle=30.0)
PATIENCE_SECONDS = 30.0
SHORTEST_SECONDS, LONGEST_SECONDS = 0.01, 0.1
"""Between two looks: what takes long is looked at less often."""


def gone(pid: int) -> bool:
    """Whether a process has ended, though its parent may not know it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(happened: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until it is true, and return what it was."""
    limit, pause = time.monotonic() + seconds, SHORTEST_SECONDS
    while not (found := happened()):
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(pause)
        pause = min(pause * 1.2, LONGEST_SECONDS)
    return found


def job_of(database: Database, job_id: int) -> Job:
    with database.read() as session:
        return repository.row(session, job_id)


def ended(database: Database, job_id: int, seconds: float = PATIENCE_SECONDS) -> Job:
    """The job, once it has ended."""
    until(lambda: JobState(job_of(database, job_id).state).final, seconds)
    return job_of(database, job_id)


def events_of(database: Database, job_id: int) -> list[JobEvent]:
    with database.read() as session:
        return list(repository.events(session, job_id, 0, 10_000))


def kinds_of_events(database: Database, job_id: int) -> list[str]:
    return [event.kind for event in events_of(database, job_id)]


def is_gapless(database: Database, job_id: int) -> bool:
    numbers = [event.sequence for event in events_of(database, job_id)]
    return numbers == list(range(1, job_of(database, job_id).last_sequence + 1))


def traces(database: Database) -> dict[int, int]:
    """How often each job was worked off to its end, as its own writes say."""
    query = select(AuditEvent.object_id, func.count()).where(AuditEvent.action == "worked")
    with database.read() as session:
        return {int(job): n for job, n in session.execute(query.group_by(AuditEvent.object_id))}


def marked_pid(home: Path, job_id: int, attempt: int = 1) -> int:
    """The process that runs this attempt, once it has begun."""
    path = home / "marks" / f"{job_id}-{attempt}"
    until(path.exists)
    return int(path.read_text())


def claimed(database: Database, seconds: float = 10.0, worker: str = "tests") -> tuple[Job, Run]:
    """Claim the next job by hand, as a worker would."""
    queues = {kind.queue for kind in BY_NAME.values()}
    run = Run(0, "", seconds)
    with database.write_concurrently() as session:
        job = repository.claim(session, worker, queues, BY_NAME, lease_until=run.lease_until())
    assert job is not None, "there is nothing to claim"
    return job, Run(job.id, str(job.token), seconds)


def expire(database: Database, job_id: int) -> None:
    """As if its worker had been silent for long."""
    with database.write_concurrently() as session:
        job = repository.row(session, job_id)
        job.lease_until = clock.now().replace(year=2000)


@contextmanager
def working(settings: Settings, **options: Any) -> Iterator[Supervisor]:
    """A worker in this process."""
    options = {"pace": QUICK, **options}
    supervisor = Supervisor(lambda: open_home(settings), BY_NAME, **options)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def ledger_of(home: Home) -> JobLedger:
    return JobLedger.of(home, BY_NAME)
