"""Sessions that clients open and close by themselves, to be counted and no more."""

import time
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from deepmed.kit import clock
from deepmed.kit.ids import new_uid

LONGEST = timedelta(hours=12)
"""A client that is switched off ends no session, so one is counted no longer than a day's work."""
MOST = 1000
"""Of one owner; of more the oldest is forgotten."""


@dataclass(frozen=True)
class SessionCounts:
    """Since the server began."""

    active: int
    started: int
    ended: int


class SessionBook:
    """Random ids with the moment of their start, in memory alone.

    Neither an address nor the name of a browser is kept: nothing here tells who it was.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: defaultdict[int, OrderedDict[str, datetime]] = defaultdict(OrderedDict)
        self._started: defaultdict[int, int] = defaultdict(int)
        self._ended: defaultdict[int, int] = defaultdict(int)

    def start(self, owner_id: int) -> str:
        """The id of a new session of this owner."""
        uid = new_uid()
        with self._lock:
            mine = self._open[owner_id]
            mine[uid] = clock.now()
            self._started[owner_id] += 1
            while len(mine) > MOST:
                mine.popitem(last=False)
        return uid

    def end(self, owner_id: int, uid: str) -> bool:
        """Whether there was such a session of this owner."""
        with self._lock:
            known = self._open[owner_id].pop(uid, None) is not None
            self._ended[owner_id] += known
        return known

    def counts(self, owner_id: int, now: datetime | None = None) -> SessionCounts:
        since = (now or clock.now()) - LONGEST
        with self._lock:
            active = sum(begun >= since for begun in self._open[owner_id].values())
            return SessionCounts(active, self._started[owner_id], self._ended[owner_id])


@dataclass
class UsageBook:
    """What the server remembers of its use while it runs."""

    sessions: SessionBook = field(default_factory=SessionBook)
    begun: float = field(default_factory=time.monotonic)

    @property
    def uptime_seconds(self) -> float:
        return round(time.monotonic() - self.begun, 3)
