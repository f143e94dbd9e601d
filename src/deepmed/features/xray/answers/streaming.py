"""What a run says, on its way out as server-sent events (contract 1.7)."""

import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from deepmed.core.events.feed import EventFeed
from deepmed.features.xray.messages.repository import heads
from deepmed.features.xray.messages.topic import RUNS
from deepmed.features.xray.messages.wire import message_of
from deepmed.features.xray.runs.repository import find, status_of
from deepmed.features.xray.runs.service import XrayRuns
from deepmed.features.xray.tables import IN_PROGRESS, XrayRunEvent
from deepmed.kit import clock

KEEP_ALIVE_SECONDS = 30.0
KEEP_ALIVE = b": nothing new\n\n"


async def server_sent(
    feed: EventFeed, runs: XrayRuns, run_id: int, place: int
) -> AsyncIterator[bytes]:
    """The run's messages behind a number; ends when the run has ended and all is told."""
    yield _connected(run_id)
    with feed.listen(runs.home.owner_id, {run_id: place}) as heard:
        while not await run_in_threadpool(is_all, runs, run_id, place):
            events = await heard.take(KEEP_ALIVE_SECONDS)
            yield b"".join(map(_lines, events)) or KEEP_ALIVE
            place = events[-1].sequence if events else place


def is_all(runs: XrayRuns, run_id: int, place: int) -> bool:
    """Whether nothing comes behind this message, unless somebody resumes the run."""
    with runs.home.database.read() as session:
        line = find(session, runs.home.owner_id, run_id)
        last = heads(session, [run_id]).get(run_id, -1)
    return line is None or (status_of(line) != IN_PROGRESS and place >= last)


def _connected(run_id: int) -> bytes:
    told = {"experiment_id": f"run_{run_id}", "timestamp": clock.now().isoformat()}
    return f"event: connected\ndata: {json.dumps(told)}\n\n".encode()


def _lines(event: XrayRunEvent) -> bytes:
    data = json.dumps(message_of(event), allow_nan=False)
    return f"id: {event.sequence}\nevent: {event.type}\ndata: {data}\n\n".encode()


def check(runs: XrayRuns, run_id: int, place: int) -> None:
    """Raises ValidationError where the run has not said so much."""
    with runs.home.database.read() as session:
        RUNS.check(session, runs.home.owner_id, {run_id: place})
