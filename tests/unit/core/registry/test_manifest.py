import json

import pytest

from deepmed.core.registry.cache import PackageCache
from deepmed.core.registry.manifest import FileSum, Manifest, Package, canonical_json, sums
from deepmed.kit.errors import IntegrityError, ValidationError


def package(name: str, size: int) -> Package:
    files = {f"{name}.csv": b"x" * size}
    manifest = Manifest(name, "k", 1, "", "", "", sums(files), {}, {}, {}, {}, "")
    return Package(manifest, files)


def test_a_manifest_survives_its_bytes() -> None:
    manifest = package("a", 3).manifest
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    # sha256sum of "abc", from the standard's own example.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert FileSum.of(b"abc") == FileSum(known, 3)


def test_a_manifest_of_the_future_is_refused() -> None:
    fields = json.loads(package("a", 3).manifest.to_bytes())
    with pytest.raises(IntegrityError, match="format"):
        Manifest.from_bytes(json.dumps({**fields, "format": 2}).encode())


def test_equal_values_have_equal_bytes_and_nonsense_has_none() -> None:
    assert canonical_json({"b": 1, "a": [1.5, "ä"]}) == canonical_json({"a": [1.5, "ä"], "b": 1})
    for value in (float("nan"), float("inf"), {1, 2}, b"bytes"):
        with pytest.raises(ValidationError):
            canonical_json({"value": value})


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache = PackageCache(most_bytes=100)
    for name in "abc":
        cache.put(name, package(name, 40))
        cache.get("a")
    assert cache.get("a") is not None
    assert cache.get("b") is None
    cache.drop("a")
    cache.drop("never there")
    assert cache.get("a") is None
    cache.put("big", package("big", 101))
    assert cache.get("big") is None
