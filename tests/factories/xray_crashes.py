"""Trainings in processes that are killed: a program that has loaded the libraries and then forks.

It is launched with HOME, SOURCE and OTHER, and answers with one line of JSON.
"""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.steps import STEPS, Step, Watcher
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.kit import settings as kit_settings
from factories.forks import begin, ended
from factories.xray import small

WHOLE, KILLED = 1, 2
"""The runs of the same source that nobody disturbs, and that is killed again and again."""


def opened(folder: str) -> Home:
    return open_home(kit_settings.load(home=Path(folder)))


def train(folder: str, source: str, watcher: Watcher, run: int | None = None) -> None:
    with opened(folder) as home:
        CentralizedTrainer(home, small("epochs=2"), watcher).train(source, "a run", run_id=run)


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


def run() -> None:
    folder, first, other = sys.argv[1:]
    small()
    opened(folder).close()
    said = {
        "whole": at_once(folder, first),
        "killed": killed_at_each_step(folder, first),
        "together": at_once(folder, first, other),
    }
    print(json.dumps(said))  # noqa: T201 - the answer
    sys.exit(0)
