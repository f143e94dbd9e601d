"""When which session asks for what: fixed before the first request, whatever the answers take."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from deepmed.app.bench.load.mix import Get, Things
from deepmed.kit.seeds import generator

JITTER = 0.25
"""How far a request may move, as a share of the time between two of a session."""


@dataclass(frozen=True)
class Pace:
    """How many requests in all, by how many sessions, and how many a second all together."""

    requests: int
    sessions: int
    rate: float


@dataclass(frozen=True)
class Ask:
    """One request."""

    at: float
    """Seconds after the beginning."""
    session: int
    route: int
    """Place in the mix."""
    path: str


def schedule(mix: Sequence[Get], things: Things, pace: Pace, seed: int) -> list[Ask]:
    """So many requests, in the order of their times.

    Each session asks at a beat of its own, `sessions / rate` seconds apart, a little before or
    after each beat.
    """
    random = generator(seed, "bench", "load")
    chances = np.array([each.weight for each in mix])
    routes = random.choice(len(mix), size=pace.requests, p=chances / chances.sum()).tolist()
    return [
        Ask(at, session, route, mix[route].filled(things, random))
        for (at, session), route in zip(_times(pace, random), routes, strict=True)
    ]


def of_sessions(asks: Sequence[Ask]) -> list[list[Ask]]:
    """The requests of each session, in order."""
    ordered: dict[int, list[Ask]] = {}
    for ask in sorted(asks, key=attrgetter("at")):
        ordered.setdefault(ask.session, []).append(ask)
    return list(ordered.values())


def _times(pace: Pace, random: np.random.Generator) -> list[tuple[float, int]]:
    """Moments with their sessions; those before the beginning belong to nobody."""
    beat, beats = pace.sessions / pace.rate, 2 + pace.requests // pace.sessions
    phases = random.uniform(0, beat, (pace.sessions, 1))
    moved = random.uniform(-JITTER, JITTER, (pace.sessions, beats)) * beat
    times = (phases + beat * np.arange(beats)[None] + moved).tolist()
    found = [(at, session) for session, own in enumerate(times) for at in own if at >= 0]
    return sorted(found)[: pace.requests]
