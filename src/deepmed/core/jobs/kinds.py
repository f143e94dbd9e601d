"""What kinds of work there are, and how each is to be run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.tables import Job

__all__ = ["Isolation", "JobContext", "JobKind", "queue_limits"]


class Isolation(Enum):
    INLINE = "inline"
    """In a thread of the worker: for what is short, needs no torch and asks whether to go on."""
    PROCESS = "process"
    """In a child process, which can be killed."""


@dataclass(frozen=True)
class JobKind:
    """A kind of work. Running it twice must do no harm: a worker can die at any moment.

    Attributes:
        name: such as `drawings.train`.
        run: does the work and returns the result, in JSON's own types. Whatever it writes through
            the home's database is refused once another worker has taken the job up.
        payload: what a job of this kind needs to know; checked when it is submitted and again
            before it runs.
        isolation: where it runs.
        title: a line for people.
        queue: those of one queue share a worker's slots.
        at_once: how many of its queue may run at once over all workers; None leaves it to the
            workers' slots.
        attempts: how often it is begun before a transient failure becomes a final one.
        outdated: asked of a failed or cancelled job: whether its folder must not be kept for a
            retry, such as because it rests on what has been deleted since.
    """

    name: str
    run: Callable[[Home, JobContext], dict[str, Any]]
    payload: type[BaseModel]
    isolation: Isolation
    title: Callable[[Any], str]
    queue: str = "default"
    at_once: int | None = None
    attempts: int = 3
    outdated: Callable[[Session, Job], bool] | None = None


def queue_limits(kinds: Iterable[JobKind]) -> dict[str, int | None]:
    """How many of each queue may run at once over all workers; None is as many as they like.

    >>> queue_limits([])
    {}
    """
    limits: dict[str, int | None] = {}
    for kind in kinds:
        given = [each for each in (limits.get(kind.queue), kind.at_once) if each is not None]
        limits[kind.queue] = min(given, default=None)
    return limits
