"""How many streams and WebSockets may be open, and that who leaves frees a place."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import Response, StreamingResponse
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from deepmed.kit.http.caller import Caller, Role, set_caller
from deepmed.kit.http.middlewares.listeners import ListenerLimits, ListenersMiddleware
from deepmed.kit.http.problems import Problems


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


def named(app: ASGIApp) -> ASGIApp:
    """The first letter of a path stands for a person."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        person = Caller(ord(scope["path"][1]), "somebody", Role.VIEWER)
        set_caller(HTTPConnection(scope), person)
        await app(scope, receive, send)

    return call


@pytest.fixture
def limited(problems: Problems) -> ListenersMiddleware:
    """Two of one person, three in all."""
    sockets = Starlette(routes=[WebSocketRoute("/{person}", echo)])
    return ListenersMiddleware(sockets, ListenerLimits(server=3, person=2), problems)


@pytest.mark.req("P-9.1")
@pytest.mark.parametrize(
    ("open_ones", "last", "reason"), [("aa", "a", "2 streams"), ("aab", "b", "3 streams")]
)
def test_one_socket_too_many_is_told_to_come_again(
    limited: ListenersMiddleware, open_ones: str, last: str, reason: str
) -> None:
    client = TestClient(named(limited))
    with ExitStack() as stack:
        opened = [stack.enter_context(client.websocket_connect(f"/{one}")) for one in open_ones]
        with (
            client.websocket_connect(f"/{last}") as refused,
            pytest.raises(WebSocketDisconnect) as closed,
        ):
            refused.receive_text()
        assert closed.value.code == 1013
        assert closed.value.reason.startswith(reason)
        assert len(closed.value.reason.encode()) <= 123
        opened[0].close()
        with client.websocket_connect(f"/{last}") as heard:
            heard.send_text("here")
            assert heard.receive_text() == "here"


async def forever() -> AsyncIterator[str]:
    yield "data: 1\n\n"
    await anyio.sleep_forever()


async def listen(app: ASGIApp, path: str, leaves: anyio.Event) -> list[Message]:
    """What comes until the answer ends, or this listener leaves."""
    sent: list[Message] = []

    async def receive() -> Message:
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await named(app)({"type": "http", "path": path, "headers": []}, receive, send)
    return sent


def statuses(app: ASGIApp, paths: Sequence[str]) -> list[list[Message]]:
    """What the last of several listeners gets while the others stay, and once more without them."""

    async def run() -> list[list[Message]]:
        first, now = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as group:
            for path in paths[:-1]:
                group.start_soon(listen, app, path, first)
            await anyio.wait_all_tasks_blocked()
            now.set()
            beside = await listen(app, paths[-1], now)
            first.set()
        return [beside, await listen(app, paths[-1], now)]

    return anyio.run(run)


@pytest.mark.req("P-9.1")
@pytest.mark.parametrize(("paths", "status"), [("aaa", 429), ("aabb", 503)])
def test_one_stream_too_many_is_told_when_to_come_again(
    problems: Problems, paths: str, status: int
) -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        answer = StreamingResponse(forever(), media_type="text/event-stream")
        await answer(scope, receive, send)

    limited = ListenersMiddleware(stream, ListenerLimits(server=3, person=2), problems)
    beside, later = statuses(limited, [f"/{one}" for one in paths])
    assert beside[0]["status"] == status
    assert (b"retry-after", b"10") in beside[0]["headers"]
    body = json.loads(beside[1]["body"])
    assert (body["status"], body["code"]) == (status, "too_many_listeners")
    assert later[0]["status"] == 200


def test_other_answers_take_no_place(problems: Problems) -> None:
    limited = ListenersMiddleware(Response("x"), ListenerLimits(server=1, person=1), problems)
    assert [sent[0]["status"] for sent in statuses(limited, ["/a", "/a", "/a"])] == [200, 200]
