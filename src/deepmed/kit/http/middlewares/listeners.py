"""How many listen at a time: a stream of events and a WebSocket stay open until somebody leaves."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit.http.caller import caller_of
from deepmed.kit.http.problems import Problem, Problems

TRY_AGAIN_LATER = 1013
RETRY_AFTER_SECONDS = 10


@dataclass(frozen=True)
class ListenerLimits:
    """How many may be open of the whole server, and of one person."""

    server: int
    person: int


class ListenersMiddleware:
    """Counts what is open, by person, and refuses one too many; who leaves frees a place at once.

    Only the event loop counts, so that nothing has to be locked.
    """

    def __init__(self, app: ASGIApp, limits: ListenerLimits, problems: Problems) -> None:
        self.app = app
        self.limits = limits
        self.problems = problems
        self._open: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._place(scope):
                await self.app(scope, receive, send)
        except _FullError as full:
            await receive()
            await send({"type": "websocket.accept"})  # or the other side would not learn why
            reason = full.problem.message
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": reason})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer shows by its type that it is a stream, and is refused before it begins."""
        with ExitStack() as held:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start" and _is_stream(message):
                    held.enter_context(self._place(scope))
                await send(message)

            try:
                await self.app(scope, receive, watched)
            except _FullError as full:
                await self.problems.respond(scope, full.problem)(scope, receive, send)

    @contextmanager
    def _place(self, scope: Scope) -> Iterator[None]:
        person = caller_of(HTTPConnection(scope)).owner_id
        if self._open[person] >= self.limits.person:
            raise _FullError(_excess(429, "of yours", self.limits.person))
        if self._open.total() >= self.limits.server:
            raise _FullError(_excess(503, "of all people", self.limits.server))
        self._open[person] += 1
        try:
            yield
        finally:
            self._open[person] -= 1
            self._open += Counter()  # forgets who has none


class _FullError(Exception):
    """Ends what was about to listen; the middleware above answers."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _is_stream(start: Message) -> bool:
    kind = Headers(raw=start.get("headers", [])).get("content-type", "")
    return kind.startswith("text/event-stream")


def _excess(status: int, whose: str, most: int) -> Problem:
    """Its message also fits into the 123 bytes that a WebSocket has for a reason."""
    code = "too_many_listeners"
    message = f"{most} streams and WebSockets {whose} are open, the most allowed. Close one first."
    facts = {"max_open": most, "retry_after": RETRY_AFTER_SECONDS}
    contract = {"detail": message, "error": message, **facts, "type": code}
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Problem(status, code, message, contract, facts, headers)
