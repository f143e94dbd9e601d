"""Jobs that are done at once, in this process, by the very functions that a worker runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, Self

from deepmed.app.kinds import job_kinds
from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.execution import execute
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.kinds import JobKind
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job, JobState
from deepmed.kit.errors import ResourceError

NAME = "bench"
LEASE_SECONDS = 3600.0


@dataclass(frozen=True)
class Worker:
    """Submits jobs and does them."""

    home: Home
    kinds: Mapping[str, JobKind]

    @classmethod
    def of(cls, home: Home) -> Self:
        return cls(home, job_kinds())

    @property
    def ledger(self) -> JobLedger:
        return JobLedger.of(self.home, self.kinds)

    def do(self, kind: str, payload: Mapping[str, Any]) -> Job:
        """Submit a job, do it, and return how it ended."""
        return self.finish(self.ledger.submit(kind, payload))

    def finish(self, job: Job) -> Job:
        """Do a job that waits.

        Raises:
            ResourceError: it did not succeed.
        """
        until = Run(0, "", LEASE_SECONDS).lease_until()
        with self.home.database.write_concurrently() as session:
            claimed = repository.claim(
                session, NAME, {job.queue}, {job.kind}, lease_until=until, only=job.id
            )
            run = claimed and Run(claimed.id, str(claimed.token), LEASE_SECONDS)
        if run:
            execute(self.home, self.kinds, run, Event())
        with self.home.database.read() as session:
            done = self.ledger.get(session, job.id)
        if done.state != JobState.SUCCEEDED:
            raise ResourceError(f"The job {job.title!r} ended as {done.state}: {done.error}")
        return done
