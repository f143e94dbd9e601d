"""How long something takes, as a distribution and never as a single lucky run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs; `limit` is what was promised of the median."""

    runs: int
    median_ms: float
    p95_ms: float
    slowest_ms: float
    limit_ms: float | None

    @property
    def passed(self) -> bool | None:
        return None if self.limit_ms is None else self.median_ms < self.limit_ms

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def timed(
    work: Callable[[int], object],
    runs: int,
    *,
    warm_up: int = 3,
    limit_ms: float | None = None,
    before: Callable[[], object] = lambda: None,
) -> Timing:
    """Run `work` with the numbers 0, 1, … and time each run but the first `warm_up` ones.

    What happens `before` each run is not timed.
    """
    seconds = []
    for number in range(warm_up + runs):
        before()
        start = time.perf_counter()
        work(number)
        seconds.append(time.perf_counter() - start)
    return summary([1000 * each for each in seconds[warm_up:]], limit_ms)


def summary(milliseconds: Sequence[float], limit_ms: float | None = None) -> Timing:
    ordered = sorted(milliseconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return Timing(
        len(ordered), round(median(ordered), 2), round(p95, 2), round(ordered[-1], 2), limit_ms
    )
