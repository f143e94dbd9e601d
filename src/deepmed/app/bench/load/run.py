"""`deepmed bench load`: many people at once while a training runs (O-10)."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deepmed.app.bench.crowd import fill
from deepmed.app.bench.database import facts, settle
from deepmed.app.bench.load import figures, memory
from deepmed.app.bench.load.material import things
from deepmed.app.bench.load.mix import Get, Things, read_mix
from deepmed.app.bench.load.schedule import Ask, Pace, of_sessions, schedule
from deepmed.app.bench.load.training import Trainings, ledger_says
from deepmed.app.bench.platform.drawings import refuse_what_is_in_use
from deepmed.app.bench.served import Served, served
from deepmed.app.opening import open_home
from deepmed.core.registry.provenance import environment
from deepmed.kit.clock import now
from deepmed.kit.errors import ResourceError
from deepmed.kit.seeds import generator
from deepmed.kit.settings import Settings, load

FORMAT = 1
SESSIONS = 200
CORES_TO_PART = 4
"""From so many cores on the generator has one of its own; with fewer it asks less."""
SHARED_RATE = 60.0
PATIENCE_SECONDS = 120.0
RAN_SHARE = 0.9
NICENESS = 15
Stage = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """How much is asked, and of what.

    Attributes:
        requests: in all.
        rows: drawings in the folder.
        mix: file with the addresses.
        sessions: people at once.
    """

    requests: int = 10_000
    rows: int = 37_770
    mix: Path = Path("bench") / "load.toml"
    sessions: int = SESSIONS


@dataclass(frozen=True)
class Measured:
    """What was seen from outside while the requests ran."""

    outcomes: Sequence[Sequence[Any]]
    begun: float
    ended: float
    samples: Sequence[tuple[float, float]]
    trainings: Trainings


def run(seed: int, stage: Stage, wanted: Load, *, note: str = "") -> dict[str, Any]:
    """Fill a data folder, serve it on the database of the settings, and ask as a crowd does.

    Raises:
        ConfigurationError: the mix cannot be read; nothing was measured.
        ConflictError: the database of the settings is not empty; nothing was changed.
        ResourceError: server, training or generator did not do their part.
    """
    mix = read_mix(wanted.mix)
    made_on, started, begun = environment(), now(), time.perf_counter()
    ours, theirs = cores()
    rate = float(wanted.sessions) if theirs else SHARED_RATE
    with TemporaryDirectory() as name:
        settings = load(home=Path(name) / "home")
        database, known = _filled(settings, wanted.rows, seed, stage)
        asks = schedule(mix, known, Pace(wanted.requests, wanted.sessions, rate), seed)
        with _only_on(ours), served(settings.home, DEEPMED_THREADS="1") as server:
            first = _first(server, mix, known, seed, stage)
            measured = _measured(server, asks, theirs, seed, stage)
        training = _training(settings, measured)
    return {
        "benchmark": "load",
        "format": FORMAT,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]},
        **database,
        "note": note,
        "rows": wanted.rows,
        "sessions": wanted.sessions,
        "rate_wanted": rate,
        "generator_cores": theirs,
        "seconds": round(time.perf_counter() - begun, 1),
        **_found(mix, measured, first, training),
    }


def _found(
    mix: Sequence[Get], measured: Measured, first: Sequence[float], training: dict[str, Any]
) -> dict[str, Any]:
    total = figures.in_total(measured.outcomes)
    watched = memory.judged(measured.samples, measured.begun, measured.ended, total["rate"])
    judged = figures.judged(total, watched, training)
    return {
        "figures": {name: figure.to_dict() for name, figure in judged.items()},
        "total": total,
        "routes": figures.of_routes(mix, measured.outcomes, first),
        "memory": watched,
        "training": training,
    }


def cores() -> tuple[list[int], list[int]]:
    """For the server and what it starts, and for the generator; none where they must share."""
    here = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (here[:-1], here[-1:]) if len(here) >= CORES_TO_PART else ([], [])


@contextmanager
def _only_on(ours: Sequence[int]) -> Iterator[None]:
    """What starts in the block runs on these cores; on all where none are named."""
    if not ours:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ours)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _filled(
    settings: Settings, rows: int, seed: int, stage: Stage
) -> tuple[dict[str, Any], Things]:
    with open_home(settings) as home:
        refuse_what_is_in_use(home)
        fill(home, rows, seed, lambda what, _done, _total: stage(what))
        settle(home.database)
        return facts(home.database), things(home)


def _first(
    server: Served, mix: Sequence[Get], known: Things, seed: int, stage: Stage
) -> list[float]:
    """What each address takes when a fresh server is asked for it, one after the other."""
    stage("each address for the first time")
    random = generator(seed, "bench", "load", "first")
    return [_milliseconds(server.client, each.filled(known, random)) for each in mix]


def _milliseconds(client: httpx.Client, path: str) -> float:
    begun = time.perf_counter()
    client.get(path).raise_for_status()
    return 1000 * (time.perf_counter() - begun)


def _measured(
    server: Served, asks: Sequence[Ask], generator_cores: Sequence[int], seed: int, stage: Stage
) -> Measured:
    stage("a training begins")
    address, pid = str(server.client.base_url), server.process.pid
    with Trainings(address, pid, seed) as trainings, memory.Watch(pid) as watch:
        stage(f"{len(asks):,} requests")
        told = _asked(asks, int(server.client.base_url.port or 0), generator_cores)
    return Measured(told["outcomes"], told["begun"], told["ended"], watch.samples, trainings)


def _asked(asks: Sequence[Ask], port: int, generator_cores: Sequence[int]) -> dict[str, Any]:
    plan = {
        "port": port,
        "cores": list(generator_cores),
        "sessions": [
            [(ask.at, ask.route, ask.path) for ask in session] for session in of_sessions(asks)
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", "deepmed.app.bench.load.generator"],
        input=json.dumps(plan) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=asks[-1].at + PATIENCE_SECONDS,
    )
    if done.returncode:
        raise ResourceError(f"The generator of the load ended early: {done.stderr[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _training(settings: Settings, measured: Measured) -> dict[str, Any]:
    """What is known of the trainings, and whether they were what was promised."""
    trainings = measured.trainings
    with open_home(settings) as home:
        found = ledger_says(home, measured.begun, measured.ended)
    niceness = trainings.niceness
    return {
        **found,
        "niceness": niceness,
        "threads": 1,
        "cpu_seconds": round(trainings.cpu_seconds, 1),
        "trouble": trainings.trouble,
        "ran": bool(
            found["share_of_time"] >= RAN_SHARE and niceness is not None and niceness >= NICENESS
        ),
    }
