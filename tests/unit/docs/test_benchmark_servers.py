"""The sections of docs/benchmarks.md that the server's and the platform's results make."""

import json
from pathlib import Path
from typing import Any

from benchmark_servers import FOLDER, server_sections

MADE = {
    "date": "2026-01-02T03:04:05+00:00",
    "database": "sqlite",
    "environment": {
        "code": {"version": "1", "commit": "abc", "changed": True},
        "cpu": "a processor",
        "cores": 2,
        "platform": "Linux x86_64",
        "python": "3.13",
        "load_average": 0.25,
    },
}


def figure(value: float, **facts: Any) -> dict[str, Any]:
    return {
        "value": value,
        "unit": "s",
        "limit": 1.0,
        "at_least": False,
        "passed": True,
        "runs": [value, value / 2, value * 2],
        **facts,
    }


def write(root: Path, name: str, **facts: Any) -> None:
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    told = {name: value for name, value in (MADE | facts).items() if value is not None}
    (root / FOLDER / name).write_text(json.dumps(told), encoding="utf-8")


def test_what_needs_no_database_names_none(tmp_path: Path) -> None:
    write(
        tmp_path, "embed.json", benchmark="embed", database=None, figures={"memory": figure(0.25)}
    )
    section = server_sections(tmp_path)
    assert "## Embedding stored pictures\n" in section
    assert "Python 3.13; load 0.2 at the start" in section
    assert "| memory | 0.25 s |" in section


def test_without_results_there_is_no_section(tmp_path: Path) -> None:
    assert server_sections(tmp_path) == ""


def test_a_platform_shows_what_was_kept_and_what_was_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        "platform-sqlite.json",
        benchmark="platform",
        note="fsync was off",
        figures={
            "help": figure(0.125),
            "read": figure(64.5, unit="MB/s", limit=500.0, at_least=True, passed=False),
            "start": figure(0.5, limit=None, passed=None),
            "drained": figure(5, passed=False, condition="once", condition_holds=False),
        },
    )
    lines = server_sections(tmp_path).splitlines()
    assert "## Platform: sqlite" in lines
    assert "- fsync was off" in lines
    assert "| help | 0.125 s | 0.0625 s | 0.25 s | 3 | under 1 s | yes |" in lines
    assert "| read | 64.5 MB/s | 32.2 MB/s | 129 MB/s | 3 | at least 500 MB/s | **no** |" in lines
    assert "| start | 0.5 s | 0.25 s | 1 s | 3 | - | - |" in lines
    assert (
        "| drained | 5 s | 2.5 s | 10 s | 3 | under 1 s; once, which did not hold | **no** |"
        in lines
    )
    assert any("commit `abc`, with changes that were not committed" in line for line in lines)


def test_answers_come_before_the_platform_and_say_how_many_drawings(tmp_path: Path) -> None:
    write(tmp_path, "platform.json", benchmark="platform", figures={})
    answer = {"median_ms": 1.234, "p95_ms": 1234.5, "slowest_ms": 5, "limit_ms": 50, "passed": True}
    write(
        tmp_path,
        "api-sqlite.json",
        benchmark="api",
        rows=37_770,
        database_version="3.40.1",
        figures={"page": answer},
    )
    text = server_sections(tmp_path)
    assert "Python 3.13, sqlite 3.40.1; load 0.2 at the start" in text
    assert text.index("Answers of a server") < text.index("## Platform")
    assert "- 37,770 drawings" in text
    assert "| page | 1.23 | 1,234 | 5 | under 50 | yes |" in text


def test_each_group_of_questions_has_its_table_and_its_verdict(tmp_path: Path) -> None:
    lists, pages = "lists and statistics", "pages"
    facts = {"route": "GET /jobs", "p95_ms": 9, "slowest_ms": 9}
    figures = {
        "jobs": {"median_ms": 5, "limit_ms": 100, "passed": True, "group": lists, **facts},
        "drawings": {"median_ms": 150, "limit_ms": 100, "passed": False, "group": lists, **facts},
        "page: jobs": {"median_ms": 20, "limit_ms": 250, "passed": True, "group": pages, **facts},
    }
    write(tmp_path, "api-sqlite.json", benchmark="api", figures=figures)
    first, second = server_sections(tmp_path).split("### ")[1:]
    assert first.startswith("Lists and statistics\n")
    assert "1 of 2 kept their promise; the slowest median is that of *drawings*, 150 ms." in first
    assert "| drawings, `GET /jobs` | 150 | 9 | 9 | under 100 | **no** |" in first
    assert second.startswith("Pages\n")
    assert "| page: jobs, `GET /jobs` | 20 | 9 | 9 | under 250 | yes |" in second


def test_both_engines_have_their_sections_with_how_the_server_was_set(tmp_path: Path) -> None:
    write(tmp_path, "api-sqlite.json", benchmark="api", database_settings={}, figures={})
    write(
        tmp_path,
        "api-postgresql.json",
        benchmark="api",
        database="postgresql",
        database_settings={"fsync": "on", "shared_buffers": "128MB"},
        figures={},
    )
    text = server_sections(tmp_path)
    sections = text.split("## ")[1:]
    assert [section.partition("\n")[0].rpartition(" ")[2] for section in sections] == [
        "postgresql",
        "sqlite",
    ]
    assert "- The server's settings: fsync on, shared_buffers 128MB" in sections[0]
    assert "settings" not in sections[1]
