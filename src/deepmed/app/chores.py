"""What every worker does by the clock, beside its jobs."""

from collections.abc import Callable, Mapping
from functools import partial

from deepmed.core.backups import schedule
from deepmed.core.home import Home
from deepmed.core.jobs.kinds import JobKind


def chores(kinds: Mapping[str, JobKind]) -> list[Callable[[Home], object]]:
    """Each is short and may be done by several workers at once."""
    return [partial(schedule.tick, kinds=kinds)]
