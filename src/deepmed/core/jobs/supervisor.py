"""A worker: one long-lived thread that claims jobs, starts their runs and watches them."""

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.children import Death
from deepmed.core.jobs.crew import Crew, Running
from deepmed.core.jobs.errors import LeaseLostError
from deepmed.core.jobs.execution import Outcome, settle
from deepmed.core.jobs.failures import worker_died
from deepmed.core.jobs.folders import sweep_folders
from deepmed.core.jobs.kinds import JobKind, queue_limits
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.tables import Job
from deepmed.kit import clock, logging
from deepmed.kit.ids import new_uid


class Supervisor:
    """Works off the ledger until it is stopped; `start` and `stop` may be called by any thread.

    Args:
        open_home: gives the worker a data folder of its own, which it closes at the end.
        kinds: what it can run; jobs of other kinds are left to others.
        queues: how many jobs of each queue it runs at once; all queues of its kinds when unset.
        concurrency: the number for each of those queues; that of the settings when unset.
        pace: how it keeps time; children are kept as the settings say when unset.
        once: end as soon as there is nothing to do.
        only: work on this job alone.
        chores: short things done by the clock, such as submitting what is due; one that fails is
            logged, and tried again.
    """

    def __init__(
        self,
        open_home: Callable[[], Home],
        kinds: Mapping[str, JobKind],
        *,
        queues: Mapping[str, int] | None = None,
        concurrency: int | None = None,
        pace: Pace | None = None,
        once: bool = False,
        only: int | None = None,
        chores: Sequence[Callable[[Home], object]] = (),
    ) -> None:
        self._chores = chores
        self.worker = f"{socket.gethostname()[:100]}:{os.getpid()}:{new_uid()[:8]}"
        self._pace, self._queues, self._concurrency = pace, queues, concurrency
        self._open_home, self._kinds = open_home, kinds
        self._once, self._only = once, only
        self._limits = {name: most for name, most in queue_limits(kinds.values()).items() if most}
        self._stopping = Event()
        self._inbox: SimpleQueue[tuple[str, Outcome | Death] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._next_beat = self._next_tidying = self._next_chores = 0.0
        self.ended = 0
        """Runs that it has seen the end of."""

    def start(self) -> None:
        """Begin; what is wrong with the data folder is raised here."""
        self._home = self._open_home()
        settings = self._home.settings
        slots = self._concurrency or settings.job_concurrency
        self.queues = self._queues or {kind.queue: slots for kind in self._kinds.values()}
        self.pace = self._pace or Pace(idle=settings.job_idle_seconds)
        self._know_queues()
        self._crew = Crew(self._home, self._kinds, self.pace, lambda *told: self._inbox.put(told))
        self._thread = Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Claim no more, give the running jobs back, end the children; returns when that is done.

        A job given back is queued again and loses no attempt.
        """
        self._stopping.set()
        self.wake()
        self.wait()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, which comes by `stop` or, with `once`, by itself; tells if it came."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def wake(self) -> None:
        """Look for work now: somebody in this process has just submitted some."""
        self._inbox.put(None)

    def _know_queues(self) -> None:
        for queue in self._limits:
            # Another worker that starts in this moment may have written the same row.
            with suppress(IntegrityError), self._home.database.write_concurrently() as session:
                repository.know_queue(session, queue)

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                if not self._step():
                    break
        finally:
            self._hand_over()
            self._home.close()

    def _step(self) -> bool:
        """One look at everything; False when there is nothing left to do and once is enough."""
        try:
            self._hear(self.pace.poll)
            self._crew.care()
            self._crew.press()
            self._beat()
            self._claim()
        except Exception as error:  # noqa: BLE001 - the worker's edge: the ledger may come back
            logging.get("deepmed.jobs").error("the worker stumbled", exc_info=error)
            self._stopping.wait(self.pace.heartbeat)
            return True
        return not (self._once and not self._crew.running)

    def _hear(self, seconds: float) -> None:
        """Wait for news, and take in all there are."""
        try:
            news = self._inbox.get(timeout=seconds)
            while True:
                if news is not None:
                    self._ended(*news)
                news = self._inbox.get_nowait()
        except Empty:
            return

    def _ended(self, token: str, what: Outcome | Death) -> None:
        running = self._crew.finish(token)
        self.ended += running is not None
        if running is None or running.lost or what in {Outcome.SETTLED, Outcome.LOST}:
            return
        self._settle(running, self._reason(running, what))

    def _reason(self, running: Running, what: Outcome | Death) -> Callable[[Session, Job], None]:
        if running.cancelled:
            return _cancel
        if self._stopping.is_set():
            return endings.give_back
        if isinstance(what, Death):
            trouble = worker_died(what.how)
            return lambda session, job: endings.fail(session, job, trouble)
        return _cancel

    def _settle(self, running: Running, how: Callable[[Session, Job], None]) -> None:
        try:
            settle(self._home, running.run, how)
        except LeaseLostError:
            return  # it has ended otherwise

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + self.pace.heartbeat
        if self._crew.running:
            self._renew()
            self._look_around()
        self._recover()
        self._do_chores()
        if time.monotonic() >= self._next_tidying:
            self._next_tidying = time.monotonic() + self.pace.tidying
            sweep_folders(self._home, self._kinds)

    def _do_chores(self) -> None:
        if time.monotonic() < self._next_chores:
            return
        self._next_chores = time.monotonic() + self.pace.chores
        for chore in self._chores:
            try:
                chore(self._home)
            except Exception as error:  # noqa: BLE001 - the worker's edge: jobs must go on
                logging.get("deepmed.jobs").error("a chore failed", exc_info=error)

    def _renew(self) -> None:
        ours = {one.run.job_id: token for token, one in self._crew.running.items()}
        with self._home.database.write_concurrently() as session:
            repository.renew(session, ours, clock.now() + timedelta(seconds=self.pace.lease))

    def _look_around(self) -> None:
        """See what others have decided about our runs."""
        ours = {one.run.job_id: one for one in self._crew.running.values()}
        with self._home.database.read() as session:
            rows = repository.standing(session, ours)
        for row in rows:
            running = ours[row.id]
            running.see(
                ours=row.token == running.run.token, cancelled=row.cancel_requested_at is not None
            )

    def _recover(self) -> None:
        """Take care of jobs whose worker is gone, whoever it was."""
        moment = clock.now()
        with self._home.database.read() as session:
            if not repository.any_expired(session, moment):
                return
        with self._home.database.write_concurrently() as session:
            for job in repository.expired(session, moment):
                endings.recover(session, job)

    def _claim(self) -> None:
        while (queues := self._free()) and (job := self._next(queues)) is not None:
            self._crew.begin(job)

    def _free(self) -> list[str]:
        busy = self._crew.busy()
        return [queue for queue, slots in self.queues.items() if busy[queue] < slots]

    def _next(self, queues: list[str]) -> Job | None:
        """Claim one; where two workers reach for one queue's last place, one looks again later."""
        if self._stopping.is_set():
            return None
        with self._home.database.read() as session:
            waiting = repository.waiting(session, queues, self._kinds, self._only)
        if not waiting:
            return None
        limited = {queue: limit for queue in waiting if (limit := self._limits.get(queue))}
        with self._home.database.write_concurrently() as session:
            full = set(limited) - repository.with_room(session, limited) if limited else set()
            return repository.claim(
                session,
                self.worker,
                waiting - full,
                self._kinds,
                lease_until=clock.now() + timedelta(seconds=self.pace.lease),
                only=self._only,
            )

    def _hand_over(self) -> None:
        """Stop what runs, and give it back; what does not stop in time is fenced off."""
        self._stopping.set()
        for running in self._crew.running.values():
            running.ask()
        deadline = time.monotonic() + self.pace.grace + 2
        while self._crew.running and time.monotonic() < deadline:
            self._hear(0.05)
            self._crew.care()
            self._crew.press()
        for running in list(self._crew.running.values()):
            self._settle(running, _cancel if running.cancelled else endings.give_back)
        self._crew.end()


def _cancel(session: Session, job: Job) -> None:
    endings.cancel(session, job.id)
