"""What a running job sees of the ledger."""

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from deepmed.core.jobs import repository
from deepmed.core.jobs.errors import JobCancelled
from deepmed.core.jobs.fencing import FencedDatabase
from deepmed.core.jobs.progress import Estimate, Step, Throttle
from deepmed.core.jobs.tables import MESSAGE_LENGTH

OWN_KINDS = {
    *("queued", "started", "progress", "log", "retrying", "cancel_requested"),
    *("succeeded", "failed", "cancelled"),
}
"""Events that the ledger writes by itself."""
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,59}")


class JobContext:
    """How a job tells of itself, and learns that it is to stop.

    Each report is a write transaction of its own, or part of the block that this thread has open.

    Attributes:
        job_id: the job's number.
        payload: what was submitted, checked.
        attempt: 1 in the first run.
        folder: for checkpoints; it survives a retry; deleted when the job has succeeded, or a day
            after it ended otherwise, or sooner where its kind says that it is outdated.
    """

    def __init__(
        self,
        database: FencedDatabase,
        payload: BaseModel,
        attempt: int,
        folder: Path,
        stop: threading.Event,
    ) -> None:
        self.job_id = database.run.job_id
        self.payload = payload
        self.attempt = attempt
        self.folder = folder
        self._database = database
        self._stop = stop
        self._throttle = Throttle()
        self._estimate = Estimate()

    def progress(self, completed: int, total: int, text: str = "") -> None:
        """So many are done, of so many; at most four times a second it becomes an event.

        Raises:
            JobCancelled: the job is to stop.
            LeaseLostError: another run has taken it up.
        """
        self.raise_if_cancelled()
        expected = self._estimate.expected(completed, total)
        step = Step(completed, total, text[:MESSAGE_LENGTH], expected)
        if (due := self._throttle.pass_on(step)) is not None:
            self._write_step(due)

    def steps(self, text: str) -> Callable[[int, int], None]:
        """Progress under one text, to hand to whatever counts (completed, total)."""
        return lambda completed, total: self.progress(completed, total, text)

    def event(self, kind: str, data: Mapping[str, Any]) -> None:
        """Something of the job's own, such as an epoch's losses.

        Raises:
            ValueError: the kind's name is not allowed, or is one that the ledger itself writes.
            LeaseLostError: another run has taken the job up.
        """
        if kind in OWN_KINDS or not _NAME.fullmatch(kind):
            raise ValueError(
                f"An event cannot be named {kind!r}: the ledger's own names are taken, and others "
                "consist of small letters, digits, points and low lines."
            )
        self._write(kind, data)

    def log(self, text: str) -> None:
        """A line for people."""
        self._write("log", {"text": text})

    def raise_if_cancelled(self) -> None:
        """Ask this now and then.

        Raises:
            JobCancelled: somebody cancelled the job, or its worker is being stopped.
        """
        if self._stop.is_set():
            raise JobCancelled

    def flush(self) -> None:
        """Write the last progress, if it was held back."""
        if (held := self._throttle.take()) is not None:
            self._write_step(held)

    def _write(self, kind: str, data: Mapping[str, Any]) -> None:
        self.flush()
        with self._database.join() as session:
            repository.append(session, self.job_id, kind, data)

    def _write_step(self, step: Step) -> None:
        expected = step.expected_at
        data = {
            "completed": step.completed,
            "total": step.total,
            "text": step.text,
            "expected_at": None if expected is None else expected.isoformat(),
        }
        with self._database.join() as session:
            repository.append(
                session,
                self.job_id,
                "progress",
                data,
                completed=step.completed,
                total=step.total,
                message=step.text,
                expected_at=expected,
            )
