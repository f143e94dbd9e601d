import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit.http.buckets import Buckets, Verdict, whole_seconds
from deepmed.kit.http.caller import caller_of
from deepmed.kit.http.problems import Problem, Problems

LEAST_WAIT_SECONDS = 60
"""What the contract tells a client to wait, though a token may come sooner."""


class RateLimitMiddleware:
    """Refuses who asks too often, by person and address; every answer says what is left."""

    def __init__(
        self,
        app: ASGIApp,
        buckets: Buckets,
        problems: Problems,
        exempt: Callable[[Scope], bool],
    ) -> None:
        self.app = app
        self.buckets = buckets
        self.problems = problems
        self.exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verdict = None
        if scope["type"] == "http" and not self.exempt(scope):
            verdict = self.buckets.take(_client(scope), scope["path"])
        if verdict is None:
            await self.app(scope, receive, send)
        elif verdict.allowed:
            await self.app(scope, receive, _announcing(send, verdict))
        else:
            await self.problems.respond(scope, _excess(verdict))(scope, receive, send)


def _client(scope: Scope) -> str:
    address = scope["client"][0] if scope.get("client") else ""
    return f"{caller_of(HTTPConnection(scope)).owner_id}@{address}"


def _announcing(send: Send, verdict: Verdict) -> Send:
    async def announcing(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-RateLimit-Limit-Minute"] = str(verdict.rule.per_minute)
            headers["X-RateLimit-Remaining-Minute"] = str(verdict.remaining_minute)
            headers["X-RateLimit-Reset"] = str(_reset(verdict))
        await send(message)

    return announcing


def _reset(verdict: Verdict) -> int:
    return int(time.time()) + whole_seconds(verdict.wait_seconds)


def _excess(verdict: Verdict) -> Problem:
    wait = max(LEAST_WAIT_SECONDS, whole_seconds(verdict.wait_seconds))
    reset = _reset(verdict)
    left = {"per_minute": verdict.remaining_minute, "per_hour": verdict.remaining_hour}
    allowed = {"per_minute": verdict.rule.per_minute, "per_hour": verdict.rule.per_hour}
    message = f"Too many requests; this one was not begun. Wait {wait} seconds, then go on."
    facts = {"retry_after": wait, "limits": allowed, "remaining": left, "reset_time": reset}
    contract = {
        "error": "Rate limit exceeded",
        "message": message,
        **facts,
        "type": "rate_limit_exceeded",
    }
    headers = {
        "X-RateLimit-Limit-Minute": str(allowed["per_minute"]),
        "X-RateLimit-Limit-Hour": str(allowed["per_hour"]),
        "X-RateLimit-Remaining-Minute": str(left["per_minute"]),
        "X-RateLimit-Remaining-Hour": str(left["per_hour"]),
        "X-RateLimit-Reset": str(reset),
        "Retry-After": str(wait),
    }
    return Problem(429, "rate_limit_exceeded", message, contract, facts, headers)
