"""What is done by the clock, and not each time that a worker looks."""

import time
from collections.abc import Callable

from deepmed.core.home import Home

Work = Callable[[Home], int]


class Seldom:
    """A chore that is done once in so many seconds; it says how much that was, else 0."""

    def __init__(self, work: Work, seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._next = 0.0

    def __call__(self, home: Home) -> int:
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + self._seconds
        return self._work(home)
