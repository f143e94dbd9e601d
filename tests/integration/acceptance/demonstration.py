"""The demo, run once for all tests of all workers, and a second time on what it left."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from integration.acceptance.soundness import content
from integration.acceptance.terminal import Answer, Home, fresh_process


@dataclass(frozen=True)
class Demo:
    """What the demo said and left; nobody may change its data folder."""

    home: Home
    first: Answer
    """As a person starts it, and sees it."""
    again: dict[str, Any]
    """The second run, as a program sees it."""
    before: dict[str, Any]
    after: dict[str, Any]
    seconds: float
    """Wall time of the first run."""

    @property
    def outward(self) -> Path:
        """Where the socket guard writes what it stopped."""
        return _outward(self.home.folder.parent)

    def table(self, first_column: str) -> list[list[str]]:
        """The cells of a printed table, its head first."""
        rows: list[list[str]] = []
        for line in self.first.out.splitlines():
            cells = [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]
            if cells[0] == first_column or (rows and len(cells) == len(rows[0])):
                rows.append(cells)
            elif rows and line.startswith("└"):
                break
        return rows


def demonstrate(shared: Path) -> Demo:
    """Run the demo in a folder that all workers share, unless one of them has done so."""
    shared.mkdir(parents=True, exist_ok=True)
    home, kept = Home(shared / "home", planting={}), shared / "answers.json"
    with FileLock(shared / "lock"):
        if not kept.exists():
            kept.write_text(json.dumps(_run_twice(home)), encoding="utf-8")
    answers = json.loads(kept.read_text(encoding="utf-8"))
    return Demo(home, Answer(**answers.pop("first")), **answers)


def _run_twice(home: Home) -> dict[str, Any]:
    variables = guarded(_outward(home.folder.parent))
    start = time.perf_counter()
    first = fresh_process(home.folder, ["demo"], **variables)
    seconds = time.perf_counter() - start
    assert first.code == 0, first.err
    before = content(home)
    again = home.do("demo", **variables)
    return {
        "first": asdict(first),
        "again": again,
        "before": before,
        "after": content(home),
        "seconds": seconds,
    }


def guarded(log: Path) -> dict[str, str]:
    """Variables under which no process reaches another machine, and every try is written down."""
    return {"DEEPMED_SOCKET_GUARD": "1", "DEEPMED_SOCKET_GUARD_LOG": str(log)}


def _outward(shared: Path) -> Path:
    return shared / "outward.log"


def shared_folder(base: Path) -> Path:
    """The same folder for each worker of a run: theirs lie side by side."""
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demonstration"
