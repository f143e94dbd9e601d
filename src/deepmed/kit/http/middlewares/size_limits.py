"""No request is larger than allowed, whatever its header says: bytes are counted as they come."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from anyio import move_on_after
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit.http.problems import Problem, Problems


@dataclass(frozen=True)
class SizeLimits:
    """In bytes; `uploads` has larger ones by the beginning of a path, `documents` of JSON."""

    request: int
    json: int
    uploads: Mapping[str, int] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)

    def of(self, path: str, content_type: str) -> tuple[int, str]:
        """The limit of a request and its name in the contract."""
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            return _longest(self.documents, path, self.json), "json_too_large"
        return _longest(self.uploads, path, self.request), "request_too_large"


def _longest(limits: Mapping[str, int], path: str, otherwise: int) -> int:
    """That of the longest beginning of the path."""
    matching = [prefix for prefix in limits if path.startswith(prefix)]
    return limits[max(matching, key=len)] if matching else otherwise


PATIENCE_SECONDS = 5


class _TooLargeError(Exception):
    """Ends the reading of a body; the middleware below answers."""


class SizeLimitMiddleware:
    """Refuses a request by its header, or as soon as more than allowed has come."""

    def __init__(self, app: ASGIApp, limits: SizeLimits, problems: Problems) -> None:
        self.app = app
        self.limits = limits
        self.problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most, kind = self.limits.of(scope["path"], headers.get("content-type", ""))
        announced = headers.getlist("content-length")
        if any(not _is_length(text) for text in announced) or len(announced) > 1:
            refusal: Problem | None = _invalid_length()
        else:
            size = int(announced[0]) if announced else 0
            refusal = _too_large(kind, most, size) if size > most else None
        if refusal is not None:
            await self._refuse(refusal, scope, receive, send)
            return
        await self._counted(scope, receive, send, (most, kind))

    async def _counted(
        self, scope: Scope, receive: Receive, send: Send, limit: tuple[int, str]
    ) -> None:
        most, kind = limit
        received, begun = 0, False

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise _TooLargeError
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun
            # A handler may turn our exception into an answer of its own: it is not sent.
            if received <= most or begun:
                begun = True
                await send(message)

        try:
            await self.app(scope, counting, guarded)
        except Exception:
            if received <= most:
                raise
        if received > most and not begun:
            await self._refuse(_too_large(kind, most, received), scope, receive, send)

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then let the client finish sending: hung up on, it would not see the answer."""

        async def patient(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            await send({**message, "more_body": True})
            with move_on_after(PATIENCE_SECONDS):
                await _discard(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.problems.respond(scope, problem)(scope, receive, patient)


async def _discard(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _too_large(kind: str, most: int, received: int) -> Problem:
    message = (
        f"The request is larger than the {most} bytes that are allowed here; nothing of it was "
        "kept. Send less at once."
    )
    facts = {"max_size": most, "received_size": received}
    contract = {"error": message, **facts, "type": kind}
    # The rest of the body is not read, so the connection cannot serve another request.
    return Problem(413, kind, message, contract, facts, {"Connection": "close"})


def _invalid_length() -> Problem:
    kind, message = "invalid_content_length", "The header Content-Length is not a length."
    headers = {"Connection": "close"}
    return Problem(400, kind, message, {"error": message, "type": kind}, headers=headers)
