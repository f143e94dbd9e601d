"""A stream of events has no end of its own: it ends when the server is told to end."""

import asyncio
from collections.abc import Callable
from threading import Event

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOK_SECONDS = 0.2


class EndingStreamsMiddleware:
    """Tells a stream that its listener has gone, so that a browser's tab holds up no Ctrl-C."""

    def __init__(self, app: ASGIApp, ending: Event) -> None:
        self.app = app
        self.ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        streaming, read, complete = False, False, False

        async def watched(message: Message) -> None:
            nonlocal streaming, complete
            if message["type"] == "http.response.start":
                kind = Headers(raw=message.get("headers", [])).get("content-type", "")
                streaming = kind.startswith("text/event-stream")
            elif message["type"] == "http.response.body":
                complete = not message.get("more_body", False)
            await send(message)

        async def listening() -> Message:
            nonlocal read
            if read:  # there is nothing to come but the end of the connection
                return await self._or_end(receive, lambda: streaming)
            message = await receive()
            read = not message.get("more_body", False)
            return message

        await self.app(scope, listening, watched)
        if streaming and not complete and self.ending.is_set():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _or_end(self, receive: Receive, streaming: Callable[[], bool]) -> Message:
        coming = asyncio.ensure_future(receive())
        try:
            while not (streaming() and self.ending.is_set()):
                done, _ = await asyncio.wait({coming}, timeout=LOOK_SECONDS)
                if done:
                    return coming.result()
            return {"type": "http.disconnect"}
        finally:
            coming.cancel()
