"""The seeds' own port for events, 8765: the stream of `/api/v1/ws` at any path (P-10)."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deepmed.kit.http.local import ORIGIN_PORT

STREAM = "/api/v1/ws"


class PushPort:
    """Hands a WebSocket to the application, held to the same rules; answers nothing else.

    Pages come from the main port, so that port's origin may connect here.
    """

    def __init__(self, app: ASGIApp, origin_port: int) -> None:
        self.app = app
        self.origin_port = origin_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            inner = dict(scope, path=STREAM, raw_path=STREAM.encode())
            inner[ORIGIN_PORT] = self.origin_port
            await self.app(inner, receive, send)
            return
        message = (
            f"This port speaks WebSocket only. Pages and API: http://localhost:{self.origin_port}/"
        )
        answer = PlainTextResponse(message, 426, {"Upgrade": "websocket", "Connection": "Upgrade"})
        await answer(scope, receive, send)
