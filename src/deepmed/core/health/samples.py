"""The machine's load, looked at once a minute for as long as the server runs."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread

import psutil

from deepmed.kit import clock, logging

PERIOD_SECONDS = 60.0
KEPT = 24 * 60
MOST_POINTS = 100
_GIB = 1 << 30


@dataclass(frozen=True)
class SystemMetrics:
    """One look at the machine; disk is where the data folder lies."""

    timestamp: datetime
    cpu_percent: float
    memory_percent: float
    memory_available_gb: float
    memory_total_gb: float
    disk_percent: float
    disk_free_gb: float
    disk_total_gb: float
    active_connections: int
    process_count: int


def look(folder: Path) -> SystemMetrics:
    """The machine now; the processor's share is that since the last look of this process."""
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(folder))
    return SystemMetrics(
        timestamp=clock.now(),
        cpu_percent=psutil.cpu_percent(),
        memory_percent=memory.percent,
        memory_available_gb=round(memory.available / _GIB, 3),
        memory_total_gb=round(memory.total / _GIB, 3),
        disk_percent=disk.percent,
        disk_free_gb=round(disk.free / _GIB, 3),
        disk_total_gb=round(disk.total / _GIB, 3),
        active_connections=_connections(),
        process_count=len(psutil.pids()),
    )


def _connections() -> int:
    """Open TCP connections of this process."""
    found = psutil.Process().net_connections(kind="tcp")
    return sum(1 for one in found if one.status == psutil.CONN_ESTABLISHED)


class Sampler:
    """Keeps the looks of a day, oldest first."""

    def __init__(
        self, take: Callable[[], SystemMetrics], period_seconds: float = PERIOD_SECONDS
    ) -> None:
        self._take = take
        self._period = period_seconds
        self._kept: deque[SystemMetrics] = deque(maxlen=KEPT)
        self._lock = Lock()
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        psutil.cpu_percent()  # the first look only sets the mark from which the second counts
        self._thread = Thread(target=self._run, name="health-sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def sample(self) -> SystemMetrics:
        """Look now and keep it."""
        taken = self._take()
        with self._lock:
            self._kept.append(taken)
        return taken

    def latest(self) -> SystemMetrics | None:
        with self._lock:
            return self._kept[-1] if self._kept else None

    def since(self, period: timedelta) -> list[SystemMetrics]:
        """At most a hundred looks of a period, spread evenly over it, the newest among them."""
        begin = clock.now() - period
        with self._lock:
            found = [one for one in self._kept if one.timestamp >= begin]
        step = -(-len(found) // MOST_POINTS) or 1
        return found[::-1][::step][::-1]

    def _run(self) -> None:
        # A second's wait, so that the first look has something to measure the processor over.
        pause = min(1.0, self._period)
        while not self._ended.wait(pause):
            try:
                self.sample()
            except (psutil.Error, OSError) as error:
                logging.get(__name__).warning("no sample", error_type=type(error).__name__)
            pause = self._period
