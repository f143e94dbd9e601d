"""A database that only the present run of a job can write to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from deepmed.core.jobs import repository
from deepmed.core.jobs.errors import LeaseLostError
from deepmed.kit import clock
from deepmed.kit.database import Database


@dataclass(frozen=True)
class Run:
    """One attempt at a job: what its writes are checked against, in their own transaction."""

    job_id: int
    token: str
    lease: float
    """Seconds that it is believed to be alive after it was last heard of."""

    def lease_until(self) -> datetime:
        return clock.now() + timedelta(seconds=self.lease)


class FencedDatabase(Database):
    """The same database; each write first locks the job's row and sees that the run still has it.

    The lock is kept to the end of the block, so nobody can take the job up between the check and
    the commit, and a block that took longer than the lease leaves with a fresh one.
    """

    def __init__(self, database: Database, run: Run) -> None:
        super().__init__(database.engine)
        self.run = run
        self._open = threading.local()

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session, self._fenced(session):
            yield session

    @contextmanager
    def write_concurrently(self) -> Iterator[Session]:
        with super().write_concurrently() as session, self._fenced(session):
            yield session

    @contextmanager
    def join(self) -> Iterator[Session]:
        """This thread's open write block, or one of its own: a second one would wait for it."""
        session: Session | None = getattr(self._open, "session", None)
        if session is not None:
            yield session
        else:
            with self.write_concurrently() as session:
                yield session

    @contextmanager
    def _fenced(self, session: Session) -> Iterator[None]:
        if not self._hold(session):
            raise LeaseLostError(
                f"This run of job {self.run.job_id} is over, so what it was about to write was "
                "not written. Another run has taken it up, or it was ended."
            )
        self._open.session = session
        try:
            yield
            self._hold(session)
        finally:
            self._open.session = None

    def _hold(self, session: Session) -> bool:
        run = self.run
        return repository.hold(session, run.job_id, run.token, run.lease_until())
