"""A bounded memory of vectors: least recently used ones go first, old ones expire."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock

from deepmed.features.drawings.embeddings.serializer import Vector


@dataclass(frozen=True)
class _Entry:
    vector: Vector
    expires: float


class EmbeddingCache:
    """Holds at most `max_entries` vectors and `max_bytes` bytes, each for `ttl_seconds`."""

    def __init__(
        self,
        max_entries: int = 100_000,
        max_bytes: int = 256 << 20,
        ttl_seconds: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl_seconds = ttl_seconds
        self._clock = clock
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._bytes = 0
        self._hits = 0
        self._misses = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Vector | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.expires <= self._clock():
                self._forget(key)
                self._misses += 1
                return None
            self._entries.move_to_end(key)
            self._hits += 1
            return entry.vector

    def put(self, key: Hashable, vector: Vector) -> None:
        with self._lock:
            self._forget(key)
            self._entries[key] = _Entry(vector, self._clock() + self.ttl_seconds)
            self._bytes += vector.nbytes
            while len(self._entries) > self.max_entries or self._bytes > self.max_bytes:
                self._forget(next(iter(self._entries)))

    def remove(self, key: Hashable) -> None:
        with self._lock:
            self._forget(key)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def get_stats(self) -> dict[str, int]:
        with self._lock:
            return {
                "entries": len(self._entries),
                "bytes": self._bytes,
                "hits": self._hits,
                "misses": self._misses,
            }

    def _forget(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.vector.nbytes
