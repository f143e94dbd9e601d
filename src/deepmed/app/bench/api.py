"""`deepmed bench api`: what a full data folder's answers take, over HTTP (D-25)."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deepmed.app.bench.crowd import Stage, fill
from deepmed.app.bench.database import facts, settle
from deepmed.app.bench.platform.drawings import refuse_what_is_in_use
from deepmed.app.bench.served import served
from deepmed.app.bench.timing import timed
from deepmed.app.opening import open_home
from deepmed.core.registry.provenance import environment
from deepmed.kit.clock import now
from deepmed.kit.settings import load

FORMAT = 1
RUNS = 30
API = "/api/v1"


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
            ids = fill(home, rows, seed, stage)
            settle(home.database)
            database = facts(home.database)
        filled = time.perf_counter() - begun
        stage("questions", 4, 4)
        with served(path, "--no-worker") as server:
            figures = {
                question: timed(ask, runs, limit_ms=limit).to_dict()
                for question, (ask, limit) in questions(server.client, ids).items()
            }
    return {
        "benchmark": "api",
        "format": FORMAT,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]},
        **database,
        "rows": rows,
        "filled_in_seconds": round(filled, 1),
        "figures": figures,
    }


Question = tuple[Callable[[int], object], float]


def questions(client: httpx.Client, ids: Sequence[int]) -> Mapping[str, Question]:
    """Each question by its name, with the milliseconds that were promised of it."""

    def get(path: str) -> Callable[[int], object]:
        return lambda number: client.get(
            API + path.format(_drawing(number, ids))
        ).raise_for_status()

    def post(path: str) -> Callable[[int], object]:
        return lambda number: client.post(
            API + path.format(_drawing(number, ids))
        ).raise_for_status()

    last = len(ids) // 20
    return {
        "statistics of analyses": (get("/analysis/stats"), 100),
        "statistics of the configuration": (get("/config/stats"), 100),
        "first page of the gallery": (get("/drawings/?page=1"), 50),
        "middle page of the gallery": (get(f"/drawings/?page={max(1, last // 2)}"), 50),
        "last page of the gallery": (get(f"/drawings/?page={max(1, last)}"), 50),
        "page of one subject and age": (get("/drawings/?subject=house&age_min=6&age_max=7"), 50),
        "analysis of a stored embedding": (post("/analysis/analyze/{}?explain=false"), 20),
        "neighbours": (get("/drawings/{}/neighbours"), 20),
    }


def _drawing(number: int, ids: Sequence[int]) -> int:
    """Another drawing every time, all over the folder."""
    return ids[(number * 7919) % len(ids)]
