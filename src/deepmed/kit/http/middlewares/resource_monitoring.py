from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit.http.problems import Problem, Problems
from deepmed.kit.http.resources import ResourceMonitor

RETRY_AFTER_SECONDS = 30


class ResourceMonitoringMiddleware:
    """At most so many requests at a time; a stream of events counts until it begins."""

    def __init__(
        self,
        app: ASGIApp,
        resources: ResourceMonitor,
        problems: Problems,
        exempt: Callable[[Scope], bool],
    ) -> None:
        self.app = app
        self.resources = resources
        self.problems = problems
        self.exempt = exempt
        self._active = 0

    def get_resource_stats(self) -> dict[str, Any]:
        """Requests in work and the process's memory."""
        return self.resources.summary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self.resources.most
        if scope["type"] != "http" or most is None or self.exempt(scope):
            await self.app(scope, receive, send)
        elif self._active >= most:
            problem = _overload(self._active, self.resources.queued)
            await self.problems.respond(scope, problem)(scope, receive, send)
        else:
            await self._within(scope, receive, send)

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = True
        self._active += 1

        def release() -> None:
            nonlocal held
            self._active -= held
            held = False

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = Headers(raw=message.get("headers", [])).get("content-type", "")
                if kind.startswith("text/event-stream"):
                    release()
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            release()


def _overload(active: int, queued: int) -> Problem:
    message = "The server works on as many requests as it may; this one was not begun."
    facts = {
        "active_requests": active,
        "queued_requests": queued,
        "retry_after": RETRY_AFTER_SECONDS,
    }
    return Problem(
        503,
        "resource_limit",
        message,
        {"error": message, **facts, "type": "resource_limit"},
        facts,
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
