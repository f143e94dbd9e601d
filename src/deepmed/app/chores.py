"""What every worker does by the clock, beside its jobs."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from deepmed.core.backups import schedule
from deepmed.core.chores import Seldom
from deepmed.core.home import Home
from deepmed.core.jobs import forgetting
from deepmed.core.jobs.kinds import JobKind

Chore = Callable[[Home], object]


def chores(kinds: Mapping[str, JobKind]) -> list[Chore]:
    """Each is short and may be done by several workers at once: ours, and the features' own."""
    return [
        partial(schedule.tick, kinds=kinds),
        Seldom(forgetting.forget_old, forgetting.LOOK_SECONDS),
        *_of_features(),
    ]


def _of_features() -> Iterator[Chore]:
    """`CHORES` of every feature's `chores` module."""
    for found in iter_modules(import_module("deepmed.features").__path__, "deepmed.features."):
        if found.ispkg and find_spec(f"{found.name}.chores"):
            yield from import_module(f"{found.name}.chores").CHORES
