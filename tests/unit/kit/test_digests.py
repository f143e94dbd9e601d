"""Digests are stored, so the same content has the same digest for ever."""

from deepmed.kit.digests import json_digest


def test_a_stored_digest_stays_what_it_was() -> None:
    content = {"b": [1, 2.0, None, True, (3, "ä€")], "a": {"z": 1e-12, "y": {}}}
    stored = "338736a21302c3c22ee77a5d3f2e31e5555517ecd6688aa91f5e2ce9f52667e1"
    assert json_digest(content) == stored


def test_the_order_of_keys_does_not_matter_and_that_of_a_list_does() -> None:
    assert json_digest({"a": 1, "b": 2}) == json_digest({"b": 2, "a": 1})
    assert json_digest([1, 2]) != json_digest([2, 1])
