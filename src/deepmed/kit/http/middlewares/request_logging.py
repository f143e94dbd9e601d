"""A line and an id for each request; never a query, a body, a header or a value in the path."""

import time
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit import clock, logging
from deepmed.kit.http.marks import REQUEST_ID, error_of, route_of
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.statistics import RequestRecord

_log = logging.get("deepmed.http")
NO_ANSWER = 500


class RequestLoggingMiddleware:
    """Gives a request its id, counts it while it runs and writes one line at its end."""

    def __init__(self, app: ASGIApp, resources: ResourceMonitor) -> None:
        self.app = app
        self.resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        scope[REQUEST_ID] = str(uuid4())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=scope[REQUEST_ID])
        status = NO_ANSWER

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = scope[REQUEST_ID]
            elif message["type"].startswith("websocket."):
                status = _of_websocket(message, status)
            await send(message)

        begun = time.perf_counter()
        self.resources.statistics.begin()
        self.resources.note_queue()
        try:
            await self.app(scope, receive, noted)
        finally:
            record = _record(scope, status, time.perf_counter() - begun)
            self.resources.statistics.end(record)
            _write(record)


def _of_websocket(message: Message, status: int) -> int:
    """A WebSocket has no status of HTTP once it is open: 101 stands for one that was."""
    if message["type"] == "websocket.accept":
        return 101
    return 403 if message["type"] == "websocket.close" and status != 101 else status


def _record(scope: Scope, status: int, seconds: float) -> RequestRecord:
    code, error_id = error_of(scope)
    return RequestRecord(
        request_id=scope[REQUEST_ID],
        at=clock.now(),
        method=scope.get("method", "WEBSOCKET"),
        route=route_of(scope),
        status=status,
        seconds=seconds,
        error_code=code,
        error_id=error_id,
    )


def _write(record: RequestRecord) -> None:
    write = _log.error if record.failed else _log.info
    write(
        "request",
        method=record.method,
        route=record.route,
        status=record.status,
        milliseconds=round(record.seconds * 1000, 1),
        code=record.error_code,
        error_id=record.error_id,
    )
