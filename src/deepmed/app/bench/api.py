"""`deepmed bench api`: what a full data folder's answers take, over HTTP (D-25)."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deepmed.app.bench.crowd import STEPS, Filled, Stage, fill
from deepmed.app.bench.database import facts, settle
from deepmed.app.bench.platform.drawings import refuse_what_is_in_use
from deepmed.app.bench.questions import PAGES, QUESTIONS, Question
from deepmed.app.bench.served import served
from deepmed.app.bench.timing import timed
from deepmed.app.opening import open_home
from deepmed.core.registry.provenance import environment
from deepmed.kit.clock import now
from deepmed.kit.settings import load

FORMAT = 2
RUNS = 30
PLACE = re.compile(r"\{(\w+)\}")


def run(rows: int, seed: int, stage: Stage, *, runs: int = RUNS) -> dict[str, Any]:
    """Fill a new data folder, serve it, and ask it; the database is that of the settings.

    Args:
        rows: drawings in the folder.
        seed: of the drawings.
        stage: told (what, done, total).
        runs: how often each question is asked.

    Raises:
        ConflictError: the database of the settings is not empty; nothing was changed.
    """
    made_on, started, begun = environment(), now(), time.perf_counter()
    with TemporaryDirectory() as name:
        path = Path(name) / "home"
        settings = load(home=path)
        with open_home(settings) as home:
            refuse_what_is_in_use(home)
            filled = fill(home, rows, seed, stage)
            settle(home.database)
            database = facts(home.database)
        seconds = time.perf_counter() - begun
        stage("questions", STEPS, STEPS)
        with served(path, "--no-worker") as server, open_home(settings) as home:
            measured = figures(server.client, filled, runs, home.database.recount)
    return {
        "benchmark": "api",
        "format": FORMAT,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]},
        **database,
        "rows": rows,
        "filled_in_seconds": round(seconds, 1),
        "figures": measured,
    }


def figures(
    client: httpx.Client, filled: Filled, runs: int, recount: Callable[[], object]
) -> dict[str, dict[str, Any]]:
    """How long the server takes for each question, by its name.

    Each is asked as by the first one after a change: nothing is there that was counted before.
    """
    return {
        name: {
            "route": question.route,
            "group": question.group,
            **timed(
                asking(client, question, filled.places),
                runs,
                limit_ms=question.limit_ms,
                before=recount,
            ).to_dict(),
        }
        for name, question in QUESTIONS.items()
    }


def asking(
    client: httpx.Client, question: Question, places: Mapping[str, Sequence[object]]
) -> Callable[[int], object]:
    """Ask the question, of other objects each time, all over the folder."""
    headers = {"Accept": "text/html"} if question.group == PAGES else {}

    def ask(number: int) -> object:
        path = _filled(question.path, places, number)
        return client.request(question.method, path, headers=headers).raise_for_status()

    return ask


def _filled(path: str, places: Mapping[str, Sequence[object]], number: int) -> str:
    for name in PLACE.findall(path):
        known = places[name]
        path = path.replace(f"{{{name}}}", str(known[(number * 7919) % len(known)]))
    return path
