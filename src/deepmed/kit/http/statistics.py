"""What requests did lately: how many, how long, and which errors they ended with."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import Any

from deepmed.kit import clock

KEPT = 1000
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class RequestRecord:
    """One request, without any value of it: the route is the declared path."""

    request_id: str
    at: datetime
    method: str
    route: str
    status: int
    seconds: float
    error_code: str | None
    error_id: str | None

    @property
    def failed(self) -> bool:
        """Ours, not the client's fault; that something is not offered is no failure."""
        return self.status >= 500 and self.status != HTTPStatus.NOT_IMPLEMENTED


class RequestStatistics:
    """Counts since the start and the newest requests; written by the server, read by handlers."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = Lock()
        self._recent: deque[RequestRecord] = deque(maxlen=kept)
        self._codes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self.active = 0
        self.peak = 0

    def begin(self) -> None:
        with self._lock:
            self.active += 1
            self.peak = max(self.peak, self.active)

    def end(self, record: RequestRecord) -> None:
        with self._lock:
            self.active -= 1
            self._recent.append(record)
            self._statuses["5xx" if record.failed else f"{min(record.status // 100, 4)}xx"] += 1
            if record.error_code:
                self._codes[record.error_code] += 1

    def recent(self, limit: int = KEPT) -> list[RequestRecord]:
        """The newest first."""
        with self._lock:
            return list(reversed(self._recent))[:limit]

    def errors(self) -> dict[str, Any]:
        with self._lock:
            total = sum(self._statuses.values())
            return {
                "total_requests": total,
                "client_errors": self._statuses["4xx"],
                "server_errors": self._statuses["5xx"],
                "by_code": dict(self._codes.most_common()),
            }

    def lately(self, now: datetime | None = None) -> dict[str, Any]:
        """The last five minutes: requests, failures of ours, and the slowest in twenty."""
        since = (now or clock.now()) - WINDOW
        records = [record for record in self.recent() if record.at >= since]
        failed = sum(record.failed for record in records)
        return {
            "window_seconds": int(WINDOW.total_seconds()),
            "requests": len(records),
            "server_errors": failed,
            "error_rate": failed / len(records) if records else None,
            "p95_response_time_ms": _percentile([record.seconds for record in records], 0.95),
        }


def _percentile(seconds: Sequence[float], share: float) -> float | None:
    """In milliseconds, the smallest value that this share of the requests did not exceed."""
    if not seconds:
        return None
    rank = max(0, -(-len(seconds) * share // 1) - 1)
    return round(sorted(seconds)[int(rank)] * 1000, 3)
