"""What this process uses of the machine while it serves."""

from functools import cached_property
from typing import Any

import psutil
from anyio.to_thread import current_default_thread_limiter

from deepmed.kit.http.statistics import RequestStatistics


class ResourceMonitor:
    """Requests in work and memory in use, for answers and for the concurrency limit."""

    def __init__(self, statistics: RequestStatistics, most: int | None) -> None:
        self.statistics = statistics
        self.most = most
        self.queued = 0

    @cached_property
    def _process(self) -> psutil.Process:
        return psutil.Process()

    def note_queue(self) -> None:
        """Requests that wait for a thread; only the event loop can ask."""
        self.queued = current_default_thread_limiter().statistics().tasks_waiting

    def summary(self) -> dict[str, Any]:
        return {
            "active_requests": self.statistics.active,
            "queued_requests": self.queued,
            "max_concurrent": self.most,
            "peak_requests": self.statistics.peak,
            "rss_bytes": self._process.memory_info().rss,
            "threads": self._process.num_threads(),
        }
