"""Events on their way out over a WebSocket, of one topic or of several."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from deepmed.core.events.feed import EventFeed, Subscription
from deepmed.core.events.topic import Topic
from deepmed.kit import clock

KEEP_ALIVE_SECONDS = 15.0
LONGEST_PING = 1024

Places = Mapping[int, int] | None
"""The last event that somebody has of each thing; None stands for all of an owner's from now on."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants to hear."""

    topic: Topic
    feed: EventFeed
    places: Places


async def push(websocket: WebSocket, owner_id: int, wishes: Sequence[Wish]) -> None:
    """Send events until the other side leaves; what it sends reaches nobody.

    It listens before it accepts: what happens after the other side was let in is told.
    """
    news = asyncio.Event()
    with ExitStack() as stack:
        heard = [
            (wish.topic, stack.enter_context(wish.feed.listen(owner_id, wish.places, news)))
            for wish in wishes
        ]
        await websocket.accept()
        reader = _Reader(websocket, news)
        task = asyncio.create_task(reader.read())
        task.add_done_callback(lambda _: news.set())
        with suppress(WebSocketDisconnect):
            while not task.done():
                await _send_news(websocket, news, heard, reader)
        task.cancel()


class _Reader:
    """Notices that the other side has left, or asks whether we are there."""

    def __init__(self, websocket: WebSocket, news: asyncio.Event) -> None:
        self._websocket = websocket
        self._news = news
        self.asked = False

    async def read(self) -> None:
        while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
            if _is_ping(message):
                self.asked = True  # many at once are answered by one
                self._news.set()


async def _send_news(
    websocket: WebSocket,
    news: asyncio.Event,
    heard: Sequence[tuple[Topic, Subscription]],
    reader: _Reader,
) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), KEEP_ALIVE_SECONDS)
    news.clear()
    if reader.asked:
        reader.asked = False
        await websocket.send_text(_pong())
    for topic, subscription in heard:
        for event in subscription.drain():
            await websocket.send_text(topic.text(event))


def _is_ping(message: Message) -> bool:
    text = message.get("text") or ""
    if len(text) > LONGEST_PING:
        return False
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("type") == "ping"


def _pong() -> str:
    return json.dumps({"type": "pong", "timestamp": clock.now().isoformat(), "data": {}})
