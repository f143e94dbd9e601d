"""The memory of vectors stays within its three bounds."""

import numpy as np
import pytest

from deepmed.features.drawings.embeddings.cache import EmbeddingCache


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def vector(numbers: int = 4) -> np.ndarray:
    return np.ones(numbers, dtype=np.float32)


@pytest.mark.req("D-6.1")
def test_the_least_recently_used_vector_goes_first() -> None:
    cache = EmbeddingCache(max_entries=2)
    cache.put("a", vector())
    cache.put("b", vector())
    assert cache.get("a") is not None
    cache.put("c", vector())
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.get("c") is not None


@pytest.mark.req("D-6.1")
def test_a_vector_expires_after_its_time() -> None:
    clock = Clock()
    cache = EmbeddingCache(ttl_seconds=60, clock=clock)
    cache.put("a", vector())
    clock.now += 59.9
    assert cache.get("a") is not None
    clock.now += 0.1
    assert cache.get("a") is None
    assert cache.get_stats()["bytes"] == 0


@pytest.mark.req("D-6.1")
def test_the_bytes_stay_bounded() -> None:
    cache = EmbeddingCache(max_bytes=100)
    for name in "abcdefgh":
        cache.put(name, vector(8))
        assert cache.get_stats()["bytes"] <= 100
    assert cache.get_stats()["entries"] == 3
    assert cache.get("h") is not None
    assert cache.get("e") is None


@pytest.mark.req("D-6.1")
def test_a_vector_larger_than_the_cache_is_not_kept() -> None:
    cache = EmbeddingCache(max_bytes=8)
    cache.put("a", vector(4))
    assert cache.get_stats()["entries"] == cache.get_stats()["bytes"] == 0


def test_putting_a_key_again_replaces_it_and_its_bytes() -> None:
    cache = EmbeddingCache()
    cache.put("a", vector(4))
    cache.put("a", vector(8))
    assert cache.get_stats()["bytes"] == 32
    assert cache.get_stats()["entries"] == 1


def test_hits_misses_removing_and_clearing_are_counted() -> None:
    cache = EmbeddingCache()
    cache.put("a", vector())
    cache.put("b", vector())
    cache.get("a")
    cache.get("nobody")
    cache.remove("a")
    assert cache.get_stats() == {"entries": 1, "bytes": 16, "hits": 1, "misses": 1}
    cache.clear()
    assert cache.get_stats()["entries"] == cache.get_stats()["bytes"] == 0
