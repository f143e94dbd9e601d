"""Trainings in processes that are killed: a program that loads the libraries and then forks.

    python tests/factories/xray_crashes.py HOME SOURCE OTHER

Forks need not load the libraries again, which takes longer than all that they do. It answers with
one line of JSON.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.steps import STEPS, Step, Watcher
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.kit import settings as kit_settings
from factories.xray import small

WHOLE, KILLED = 1, 2
"""The runs of the same source that nobody disturbs, and that is killed again and again."""


def opened(folder: str) -> Home:
    return open_home(kit_settings.load(home=Path(folder)))


def train(folder: str, source: str, watcher: Watcher, run: int | None = None) -> None:
    with opened(folder) as home:
        CentralizedTrainer(home, small("epochs=2"), watcher).train(source, "a run", run_id=run)


def begin(work: Callable[[], object]) -> int:
    """Do the work in a child that shares nothing; its process."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a child that returned would go on as its parent
        traceback.print_exc()
        os._exit(1)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(number: int) -> Watcher:
    def step(begun: Step) -> None:
        if begun.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return Watcher(step=step)


def state(folder: str, run: int) -> tuple[str, str]:
    with opened(folder) as home, home.database.read() as session:
        found = repository.run_of(session, home.owner_id, run)
        return found.status, found.stage


def killed_at_each_step(folder: str, source: str) -> list[Any]:
    """One run, killed as each of its steps begins, and then left alone: how it ended each time."""
    told: list[Any] = []
    for number in [*(step.number for step in STEPS), 0]:
        watcher, run = killed_at(number), KILLED if told else None
        code = ended(begin(partial(train, folder, source, watcher, run)))
        told.append((code, *state(folder, KILLED)))
    return told


def at_once(folder: str, *sources: str) -> list[int]:
    """A run of each source at the same time: how they ended."""
    children = [begin(partial(train, folder, source, Watcher())) for source in sources]
    return [ended(child) for child in children]


def load() -> None:
    """All that trainings load; nothing that begins threads, which a fork would lose."""
    for name in (
        *("lightning", "monai.transforms", "sklearn.metrics", "alembic.command", "obstore"),
        *("cryptography.hazmat.primitives.serialization", "deepmed.kit.storage"),
        *("deepmed.learning.evaluation.binary", "deepmed.learning.novelty", "safetensors.torch"),
    ):
        import_module(name)
    for library in ("classification", "imaging"):
        names = import_module(f"deepmed.learning.{library}")
        for name in names.__all__:
            getattr(names, name)


if __name__ == "__main__":
    home_folder, first, other = sys.argv[1:]
    load()
    said = {
        "whole": at_once(home_folder, first),
        "killed": killed_at_each_step(home_folder, first),
        "together": at_once(home_folder, first, other),
    }
    sys.stdout.write(json.dumps(said) + "\n")
