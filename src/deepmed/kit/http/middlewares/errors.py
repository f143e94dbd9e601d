"""The outermost net: no error leaves without an answer, and none reaches the server's own log."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit.http.problems import Problems
from deepmed.kit.http.statistics import RequestStatistics

POLICY_VIOLATION = 1008


class ErrorHandlingMiddleware:
    """Answers what other middlewares raise and what no handler foresaw."""

    def __init__(self, app: ASGIApp, problems: Problems, statistics: RequestStatistics) -> None:
        self.app = app
        self.problems = problems
        self.statistics = statistics

    def get_error_stats(self) -> dict[str, Any]:
        """How many requests ended with an error, and with which, since the start."""
        return self.statistics.errors()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the edge: each error becomes an answer
            problem = self.problems.note(scope, error)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            elif begun:
                raise CutOffError from None  # half an answer must not look like a whole one
            else:
                await self.problems.respond(scope, problem)(scope, receive, send)


class CutOffError(Exception):
    """An answer broke off; the server closes the connection."""
