import threading
from collections.abc import AsyncIterator

import anyio
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message

from deepmed.kit.http.middlewares.ending_streams import EndingStreamsMiddleware


async def forever() -> AsyncIterator[str]:
    yield "data: 1\n\n"
    await anyio.sleep_forever()


def run(app: ASGIApp, limit: float) -> tuple[list[Message], bool]:
    """What is sent until it ends, and whether it had to be stopped."""
    sent: list[Message] = []

    asked: list[int] = []

    async def receive() -> Message:
        asked.append(1)
        if len(asked) > 1:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    async def call() -> bool:
        with anyio.move_on_after(limit) as scope:
            await app({"type": "http", "path": "/", "headers": []}, receive, send)
        return scope.cancelled_caught

    return sent, anyio.run(call)


def test_a_stream_ends_with_the_server() -> None:
    ending = threading.Event()
    threading.Timer(0.3, ending.set).start()
    stream = StreamingResponse(forever(), media_type="text/event-stream")
    sent, stopped = run(EndingStreamsMiddleware(stream, ending), limit=10)
    assert not stopped
    assert [message.get("body") for message in sent[1:]] == [b"data: 1\n\n", b""]
    assert not sent[-1]["more_body"]


def test_it_goes_on_until_then() -> None:
    stream = StreamingResponse(forever(), media_type="text/event-stream")
    assert run(EndingStreamsMiddleware(stream, threading.Event()), limit=0.5)[1]


def test_other_answers_are_finished_first() -> None:
    ending = threading.Event()
    ending.set()
    download = StreamingResponse(forever(), media_type="image/png")
    assert run(EndingStreamsMiddleware(download, ending), limit=0.5)[1]
