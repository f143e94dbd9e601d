"""When progress is worth an event, and when a job will be done."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from deepmed.kit import clock

LEAST_SECONDS = 0.25
"""Between two events of progress: four a second, whatever a loop reports."""


@dataclass(frozen=True)
class Step:
    completed: int
    total: int
    text: str
    expected_at: datetime | None


class Throttle:
    """Lets a step through now and then; the last one that it held back can be taken later."""

    def __init__(self) -> None:
        self._last = -LEAST_SECONDS
        self._held: Step | None = None

    def pass_on(self, step: Step) -> Step | None:
        if time.monotonic() - self._last < LEAST_SECONDS:
            self._held = step
            return None
        self._last, self._held = time.monotonic(), None
        return step

    def take(self) -> Step | None:
        held, self._held = self._held, None
        return held


class Estimate:
    """When the work will be done, if it goes on as it went since this run's first report.

    A run that takes up a checkpoint begins in the middle, so its first report is where it counts
    from; another total is another piece of work and counts anew.
    """

    def __init__(self) -> None:
        self._first: tuple[datetime, int, int] | None = None

    def expected(self, completed: int, total: int) -> datetime | None:
        """None until something was done since the first report."""
        moment = clock.now()
        if self._first is None or self._first[2] != total or completed < self._first[1]:
            self._first = (moment, completed, total)
        began, before, _ = self._first
        if completed <= before:
            return None
        seconds = (moment - began).total_seconds() / (completed - before)
        return moment + timedelta(seconds=seconds * max(0, total - completed))
