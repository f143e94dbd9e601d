"""The sections of docs/benchmarks.md that the load's results make."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmark_load import FOLDER, load_sections

FIGURE = {"value": 0, "unit": "ms", "limit": 250.0, "at_least": False, "passed": True, "runs": [0]}
RESULT: dict[str, Any] = {
    "benchmark": "load",
    "date": "2026-01-02T03:04:05+00:00",
    "database": "sqlite",
    "database_version": "3.40.1",
    "environment": {
        "code": {"version": "1", "commit": "abc", "changed": False},
        "cpu": "a processor",
        "cores": 2,
        "platform": "Linux x86_64",
        "python": "3.13",
        "load_average": 0.25,
    },
    "rows": 37_770,
    "sessions": 200,
    "rate_wanted": 60.0,
    "generator_cores": [],
    "figures": {
        "95 %": FIGURE
        | {"value": 312.5, "passed": False, "condition": "it ran", "condition_holds": False},
        "half": FIGURE | {"value": 12.34, "limit": None, "passed": None},
    },
    "total": {"late_ms": 1.25},
    "routes": {
        "/": {
            "requests": 1234,
            "errors": 0,
            "p50_ms": 5.123,
            "p95_ms": None,
            "slowest_ms": 1500.0,
            "first_ms": 80.0,
        }
    },
    "memory": {"rule": "flat where it stays", "mb": [310.2, 312.0]},
    "training": {
        "share_of_time": 0.987,
        "niceness": 15,
        "threads": 1,
        "epochs": 1200,
        "completed": 3,
        "failed": 0,
        "cpu_seconds": 80.5,
    },
}


def write(root: Path, name: str = "load-sqlite.json", **facts: Any) -> None:
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    (root / FOLDER / name).write_text(json.dumps(RESULT | facts), encoding="utf-8")


def test_without_results_there_is_no_section(tmp_path: Path) -> None:
    assert load_sections(tmp_path) == ""


def test_figures_stand_beside_their_promise_and_addresses_below(tmp_path: Path) -> None:
    write(tmp_path, note="a test")
    lines = load_sections(tmp_path).splitlines()
    assert "## Many people at once: sqlite" in lines
    assert "| 95 % | 312 ms | under 250 ms; it ran, which did not hold | **no** |" in lines
    assert "| half | 12.3 ms | - | - |" in lines
    assert "| `/` | 1,234 | 0 | 5.12 | - | 1,500 | 80 |" in lines
    assert "- a test" in lines
    assert any("200 sessions that together ask 60 times a second" in line for line in lines)


def test_the_training_and_the_memory_are_told_with_what_was_seen_of_them(tmp_path: Path) -> None:
    write(tmp_path)
    text = load_sections(tmp_path)
    assert "99% of the time, at niceness 15 with 1 thread: 1,200 epochs, 3 trainings" in text
    assert "flat where it stays, from 310 to 312 MB here" in text


@pytest.mark.parametrize(("cores", "told"), [([3], "on core 3, which"), ([], "of the server")])
def test_it_is_told_where_the_generator_ran(tmp_path: Path, cores: list[int], told: str) -> None:
    write(tmp_path, generator_cores=cores)
    assert told in load_sections(tmp_path)


def test_both_engines_have_their_sections(tmp_path: Path) -> None:
    write(tmp_path)
    write(
        tmp_path,
        "load-postgresql.json",
        database="postgresql",
        database_settings={"fsync": "on"},
    )
    text = load_sections(tmp_path)
    assert text.index("once: postgresql") < text.index("once: sqlite")
    assert text.count("- The server's settings: fsync on") == 1
