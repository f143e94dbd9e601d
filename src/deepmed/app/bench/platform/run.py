"""`deepmed bench platform`: whether the platform keeps its promises on this machine (P-17)."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepmed.app.bench.platform import starting
from deepmed.app.bench.platform.draining import drain
from deepmed.app.bench.platform.drawings import add_drawings, refuse_what_is_in_use
from deepmed.app.bench.platform.figures import Figure
from deepmed.app.bench.platform.handing_over import cancel, hand_over
from deepmed.app.bench.platform.kinds import DEAF, HEEDFUL
from deepmed.app.bench.platform.own_server import own_server
from deepmed.app.bench.platform.setting_up import set_up
from deepmed.app.opening import open_home
from deepmed.core.registry.provenance import environment
from deepmed.kit.clock import now
from deepmed.kit.settings import Settings, load

FORMAT = 1
Stage = Callable[[str], None]
Named = Iterator[tuple[str, Figure]]


@dataclass(frozen=True)
class Effort:
    """How much is measured: runs of each kind, and sizes."""

    helps: int = 10
    starts: int = 5
    trainings: int = 5
    hand_overs: int = 20
    cancels: int = 3
    claimers: int = 24
    jobs: int = 500
    embeddings: int = 100_000


FULL = Effort()


def run(
    seed: int, stage: Stage, *, setup: bool = False, note: str = "", effort: Effort = FULL
) -> dict[str, Any]:
    """Measure in a data folder that is removed afterwards, on the database of the settings.

    Args:
        seed: of the vectors.
        stage: told what is being measured.
        setup: set DeepMed up anew as well, which takes minutes and the network.
        note: what a reader should know of this run, such as how the database was set.
        effort: how much is measured.

    Raises:
        ConflictError: the database of the settings is not empty; nothing was changed.
    """
    made_on, started, begun = environment(), now(), time.perf_counter()
    with TemporaryDirectory() as name:
        settings = load(home=Path(name) / "home")
        with open_home(settings) as home:
            refuse_what_is_in_use(home)
            add_drawings(home, 10)
            database = home.database.engine.dialect
        figures = dict(_figures(settings, seed, stage, effort, setup=setup))
    return {
        "benchmark": "platform",
        "format": FORMAT,
        "date": started.isoformat(timespec="seconds"),
        "seed": seed,
        "environment": {**made_on, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]},
        "database": database.name,
        "database_version": ".".join(map(str, database.server_version_info or ())),
        "note": note,
        "effort": vars(effort),
        "seconds": round(time.perf_counter() - begun, 1),
        "figures": {name: figure.to_dict() for name, figure in figures.items()},
    }


def _figures(settings: Settings, seed: int, stage: Stage, effort: Effort, *, setup: bool) -> Named:
    yield from _starts(settings.home, stage, effort)
    yield from _jobs(settings, stage, effort)
    yield from _embeddings(settings, seed, stage, effort)
    if setup:
        stage("setting up")
        yield "set-up from the lock", set_up()


def _starts(home: Path, stage: Stage, effort: Effort) -> Named:
    stage("help")
    yield "help", starting.help_appears(effort.helps)
    stage("starting")
    yield "server from cold to /health", starting.server_answers(home, effort.starts)
    stage("memory")
    yield "memory of the idle server", starting.server_is_small(home)
    stage("accepting")
    first, later = starting.training_is_accepted(home, effort.trainings)
    yield "first training accepted by a fresh server", first
    yield "further trainings accepted", later


def _jobs(settings: Settings, stage: Stage, effort: Effort) -> Named:
    with own_server(settings) as client:
        stage("handing over")
        accepted, begun = hand_over(client, effort.hand_overs)
        yield "inline job accepted, with its id", accepted
        yield "inline job from request to start", begun
        stage("cancelling")
        yield "cancel of a busy process job", cancel(client, HEEDFUL, effort.cancels)
        yield "cancel of one that never looks up", cancel(client, DEAF, effort.cancels)
    stage("draining")
    name = f"{effort.claimers} claimers drain {effort.jobs} inline jobs"
    yield name, drain(settings, effort.claimers, effort.jobs)


def _embeddings(settings: Settings, seed: int, stage: Stage, effort: Effort) -> Named:
    from deepmed.app.bench.platform.vectors import embeddings  # noqa: PLC0415 - brings torch along

    with open_home(settings) as home:
        for name, figure in embeddings(home, effort.embeddings, seed, stage):
            yield f"{effort.embeddings:,} {name}", figure
