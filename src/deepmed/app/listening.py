"""The WebSocket of everything that can be listened to: jobs, and what each feature adds (P-10)."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool

from deepmed.core.events.feed import feed_of
from deepmed.core.events.push import Wish, push
from deepmed.core.events.topic import Topic
from deepmed.core.home import Home
from deepmed.kit.errors import DeepMedError
from deepmed.kit.http.caller import caller_of

POLICY_VIOLATION = 1008
EVERYTHING = "all"
LONGEST_REASON = 100

Asked = Mapping[Topic, Mapping[int, int] | None]

router = APIRouter()


@cache
def topics() -> tuple[Topic, ...]:
    """`TOPICS` of the module `topics` of every slice."""
    return tuple(
        topic for area in ("deepmed.core", "deepmed.features") for topic in _of_slices(area)
    )


def _of_slices(area: str) -> Iterator[Topic]:
    for found in iter_modules(import_module(area).__path__, f"{area}."):
        if found.ispkg and find_spec(f"{found.name}.topics"):
            yield from import_module(f"{found.name}.topics").TOPICS


@router.websocket("/ws")
async def listen(websocket: WebSocket) -> None:
    """What the address names (see the topics), each from its place; else all of the caller's."""
    home = websocket.app.state.home.for_owner(caller_of(websocket).owner_id)
    try:
        asked = _asked(websocket.query_params)
        await run_in_threadpool(_check, home, asked)
    except DeepMedError as error:
        await websocket.accept()  # or the other side would not learn why
        await websocket.close(POLICY_VIOLATION, error.message[:LONGEST_REASON])
        return
    wishes = [Wish(topic, feed_of(websocket, topic), places) for topic, places in asked.items()]
    await push(websocket, home.owner_id, wishes)


def _asked(query: Mapping[str, str]) -> Asked:
    """By topic the places, or None for everything from now on; all topics where none is named."""
    named = {topic: query[topic.parameter] for topic in topics() if query.get(topic.parameter)}
    if not named:
        return dict.fromkeys(topics())
    return {
        topic: None if text == EVERYTHING else topic.places(text) for topic, text in named.items()
    }


def _check(home: Home, asked: Asked) -> None:
    with home.database.read() as session:
        for topic, places in asked.items():
            topic.check(session, home.owner_id, places or {})
