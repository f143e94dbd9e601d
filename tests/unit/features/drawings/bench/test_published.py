"""What the committed results hold."""

import json
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).parents[5] / "bench" / "results" / "drawings.json"


@pytest.fixture(scope="module")
def published() -> Any:
    return json.loads(RESULTS.read_text(encoding="utf-8"))


@pytest.mark.req("D-22.1")
@pytest.mark.parametrize("way", ["exactness", "false alarms", "power"])
def test_false_alarms_are_published_in_three_ways(published: Any, way: str) -> None:
    rows = [check for check in published["checks"] if check["check"].startswith(way)]
    assert rows
    assert all(isinstance(check["passed"], bool) and check["statement"] for check in rows)


@pytest.mark.req("D-22.1")
def test_the_published_run_was_whole(published: Any) -> None:
    assert published["quick"] is False
    assert published["data"]["reason"] is None
