"""The runs that a worker has going, each in a thread or in a child."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Thread

from deepmed.core.home import Home
from deepmed.core.jobs.children import Death, Report, WarmChild
from deepmed.core.jobs.execution import execute
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.tables import Job
from deepmed.kit import logging


@dataclass
class Running:
    run: Run
    queue: str
    child: WarmChild | None
    stop: Event = field(default_factory=Event)
    asked_at: float | None = None
    cancelled: bool = False
    doubted: bool = False
    lost: bool = False

    def see(self, *, ours: bool, cancelled: bool) -> None:
        """Take in what the ledger says of it.

        A run that is not ours any more has most likely just ended, and its report is on the way;
        at the second look another worker has it.
        """
        self.lost = self.doubted and not ours
        self.doubted = not ours
        self.cancelled = self.cancelled or (ours and cancelled)
        if self.lost or self.cancelled:
            self.ask()

    def ask(self) -> None:
        """Ask it to stop, once."""
        if self.asked_at is None:
            self.asked_at = time.monotonic()
            self.stop.set()
            if self.child is not None:
                self.child.ask()


class Crew:
    """Begins runs and ends them; only one thread may call it, as a child dies with its starter."""

    def __init__(
        self, home: Home, kinds: Mapping[str, JobKind], pace: Pace, report: Report
    ) -> None:
        self.running: dict[str, Running] = {}
        self.children: list[WarmChild] = []
        self._home, self._kinds, self._pace, self._report = home, kinds, pace, report

    def begin(self, job: Job) -> None:
        run = Run(job.id, job.token or "", self._pace.lease)
        inline = self._kinds[job.kind].isolation is Isolation.INLINE
        child = None if inline else self._child_for(job)
        running = self.running[run.token] = Running(run, job.queue, child)
        if child is not None:
            child.take(run)
        else:
            name = f"job {job.id}"
            Thread(target=self._inline, args=(running,), name=name, daemon=True).start()

    def finish(self, token: str) -> Running | None:
        return self.running.pop(token, None)

    def busy(self) -> Counter[str]:
        """Runs by queue."""
        return Counter(running.queue for running in self.running.values())

    def press(self) -> None:
        """Kill the children that were asked to stop and did not."""
        for running in self.running.values():
            late = running.asked_at is not None and self._past(running.asked_at, self._pace.grace)
            if late and running.child is not None:
                running.child.kill()

    def care(self) -> None:
        """Bury dead children and let go those that have been idle for long."""
        self.children = [child for child in self.children if not child.bury()]
        for child in self.children:
            if child.run is None and self._past(child.idle_since, self._pace.idle):
                child.dismiss()

    def end(self) -> None:
        """Let all children go; nobody is left when this returns."""
        for child in self.children:
            child.dismiss()
        for child in self.children:
            child.wait(self._pace.grace)
        self.children = []

    def _child_for(self, job: Job) -> WarmChild:
        idle = [child for child in self.children if child.run is None and not child.dismissed]
        for child in idle:
            if child.owner_id == job.owner_id:
                return child
        for child in idle[:1]:
            child.dismiss()  # one comes, one goes: memory is for those who work
        started = WarmChild(job.owner_id, job.id, self._home.settings, self._report)
        self.children.append(started)
        return started

    def _inline(self, running: Running) -> None:
        run = running.run
        try:
            self._report(run.token, execute(self._home, self._kinds, run, running.stop))
        except Exception as error:  # noqa: BLE001 - a worker's edge: the run ends, the worker goes on
            logging.get("deepmed.jobs").error("run broke off", job_id=run.job_id, exc_info=error)
            self._report(run.token, Death(f"broke off ({type(error).__name__})"))

    @staticmethod
    def _past(moment: float, seconds: float) -> bool:
        return time.monotonic() - moment > seconds
