"""Events on their way out: as server-sent events for one job, as WebSocket messages for many."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from deepmed.core.jobs.feed import EventFeed
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.schemas import Envelope, EventView
from deepmed.core.jobs.tables import JobEvent, JobState

KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": nothing new\n\n"


def feed_of(connection: HTTPConnection) -> EventFeed:
    """The application's feed; there is one an event loop, which is one a process."""
    state = connection.app.state
    if not hasattr(state, "job_feeds"):
        state.job_feeds = WeakKeyDictionary()
    feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, EventFeed] = state.job_feeds
    return feeds.setdefault(asyncio.get_running_loop(), EventFeed(state.home.database))


async def server_sent(
    feed: EventFeed, ledger: JobLedger, job_id: int, after: int
) -> AsyncIterator[bytes]:
    """The job's events after a number; ends when the job has ended and all is told."""
    with feed.listen(ledger.owner_id, {job_id: after}) as listener:
        while True:
            events = await listener.take(KEEP_ALIVE_SECONDS)
            yield b"".join(map(_lines, events)) or KEEP_ALIVE
            if not events:
                continue
            ended: bool = await run_in_threadpool(is_all, ledger, events[-1])
            if ended:
                return


def is_all(ledger: JobLedger, event: JobEvent) -> bool:
    """Whether nothing comes after this event, unless somebody has the job run again."""
    if event.kind not in {state.value for state in JobState if state.final}:
        return False
    with ledger.database.read() as session:
        return ledger.get(session, event.job_id).last_sequence == event.sequence


async def push(
    websocket: WebSocket, feed: EventFeed, owner_id: int, cursors: Mapping[int, int] | None
) -> None:
    """Send events until the other side leaves; whatever it sends is thrown away.

    It listens before it accepts: what happens after the other side was let in is told.
    """
    with feed.listen(owner_id, cursors) as listener:
        await websocket.accept()
        reader = asyncio.create_task(_read_nothing(websocket))
        reader.add_done_callback(lambda _: listener.wake())
        with suppress(WebSocketDisconnect):
            while not reader.done():
                await _send(websocket, await listener.take(KEEP_ALIVE_SECONDS))
        reader.cancel()


async def _send(websocket: WebSocket, events: Iterable[JobEvent]) -> None:
    for event in events:
        await websocket.send_text(Envelope.of(event).model_dump_json())


async def _read_nothing(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _lines(event: JobEvent) -> bytes:
    data = EventView.of(event).model_dump_json()
    return f"id: {event.sequence}\nevent: {event.kind}\ndata: {data}\n\n".encode()
