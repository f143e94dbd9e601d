"""The server's resident memory while it is asked, and whether it stays as it is."""

import time
from collections.abc import Sequence
from statistics import linear_regression, median
from threading import Event, Thread
from typing import Any, Self

import psutil

MEGABYTE = 1_000_000
EVERY_SECONDS = 1.0
GROWTH = 1.05
RULE = (
    "flat where the median of the last fifth of the samples is at most 5 % above that of the "
    "second fifth; the first fifth fills caches"
)
FEWEST = 10


class Watch:
    """Looks at a process once a second, for as long as the block runs."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._over = Event()
        self._thread = Thread(target=self._look, name="memory", daemon=True)
        self.samples: list[tuple[float, float]] = []
        """Seconds since the epoch, and megabytes."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            try:
                resident = self._process.memory_info().rss
            except psutil.NoSuchProcess:
                return
            self.samples.append((time.time(), resident / MEGABYTE))
            self._over.wait(EVERY_SECONDS)


def judged(
    samples: Sequence[tuple[float, float]], begun: float, ended: float, rate: float
) -> dict[str, Any]:
    """The series between two moments, its slope over 1,000 requests, and its growth by `RULE`."""
    series = [(at - begun, megabytes) for at, megabytes in samples if begun <= at <= ended]
    fifth = len(series) // 5
    found: dict[str, Any] = {
        "rule": RULE,
        "limit": GROWTH,
        "mb": [round(each, 1) for _, each in series],
    }
    if len(series) < FEWEST:
        return found | {"growth": None, "mb_per_1000_requests": None}
    second, last = series[fifth : 2 * fifth], series[-fifth:]
    slope = linear_regression(*zip(*series[fifth:], strict=True)).slope
    return found | {
        "growth": _middle(last) / _middle(second),
        "mb_per_1000_requests": 1000 * slope / rate,
    }


def _middle(series: Sequence[tuple[float, float]]) -> float:
    return median(megabytes for _, megabytes in series)
