"""Local mode: only the person who started the server is served (S-1)."""

import os
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from deepmed.kit.http.caller import Caller, set_caller
from deepmed.kit.http.connections import memory_of
from deepmed.kit.http.errors import AccessRefusedError, AuthenticationRequiredError
from deepmed.kit.http.peer import PeerLookup

ORIGIN_PORT = "deepmed_origin_port"
"""In the scope of a connection to a second port: the port from which our own pages come."""
NAMES = ("localhost", "127.0.0.1", "[::1]")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
LOCAL_MODE = "This server runs in local mode: it serves only the person who started it, directly."
SHARED_MODE = (
    f"{LOCAL_MODE} Accounts for several people come with shared mode, in a later version; until "
    "then start a server of your own, or reach this machine as that person: "
    "ssh -L 8000:localhost:8000 THIS-MACHINE"
)
_FORWARDING = {"forwarded", "x-real-ip", "via"}


@dataclass(frozen=True)
class LocalGate:
    """What a connection is held to.

    `peers` tells the user at the other end; without it `token` is asked for instead.
    """

    caller: Caller
    peers: PeerLookup | None
    token: str | None = None

    @property
    def cookie(self) -> str:
        return "deepmed_token"


class LocalAccessMiddleware:
    """Refuses all but the person who started the server, and says who that is."""

    def __init__(self, app: ASGIApp, gate: LocalGate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        check_headers(connection)
        if self.gate.peers is not None:
            _check_user(connection, self.gate.peers)
        elif arrival := _token_in_address(connection, self.gate):
            await arrival(scope, receive, send)
            return
        else:
            _check_token(connection, self.gate)
        set_caller(connection, self.gate.caller)
        bind_contextvars(user=self.gate.caller.owner_id)
        await self.app(scope, receive, send)


def check_headers(connection: HTTPConnection) -> None:
    """Nobody in between, our own name, and no other site's page behind the request.

    Raises:
        AccessRefusedError: says which of these does not hold.
    """
    _check_forwarding(connection)
    _check_host(connection)
    _check_origin(connection)


def _check_forwarding(connection: HTTPConnection) -> None:
    for name in connection.headers:
        if name in _FORWARDING or name.startswith("x-forwarded-"):
            raise AccessRefusedError(
                f"The request came through a proxy (header {name}). {SHARED_MODE}"
            )


def _check_host(connection: HTTPConnection) -> None:
    # A page elsewhere can let its own name point to this machine; the name gives it away.
    port = _server_port(connection)
    given = connection.headers.getlist("host")
    if len(given) != 1 or given[0].lower() not in _hosts(port):
        raise AccessRefusedError(
            f"The request names another host. Ask for http://localhost:{port}, with the same port "
            f"on both sides of a tunnel. {SHARED_MODE}"
        )


def _check_origin(connection: HTTPConnection) -> None:
    port = _server_port(connection)
    ports = {port, int(connection.scope.get(ORIGIN_PORT, port))}
    ours = {f"http://{host}" for port in ports for host in _hosts(port)}
    if any(origin.lower() not in ours for origin in connection.headers.getlist("origin")):
        raise AccessRefusedError("A page of another site sent this request; it was not done.")
    method = connection.scope.get("method", "GET")
    site = connection.headers.get("sec-fetch-site", "none")
    if method not in SAFE_METHODS and site not in {"none", "same-origin"}:
        raise AccessRefusedError("A page of another site sent this request; it was not done.")


def _hosts(port: int) -> set[str]:
    """Our names as a browser writes them; it leaves out port 80."""
    return {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())


def _server_port(connection: HTTPConnection) -> int:
    server = connection.scope.get("server") or ("", 0)
    return int(server[1] or 0)


def _check_user(connection: HTTPConnection, peers: PeerLookup) -> None:
    memory = memory_of(connection.scope)
    if "uid" not in memory:
        memory["uid"] = _ask(connection, peers)
    if memory["uid"] is None or memory["uid"] != os.geteuid():
        raise AccessRefusedError(f"Another user of this machine sent this request. {SHARED_MODE}")


def _ask(connection: HTTPConnection, peers: PeerLookup) -> int | None:
    client, server = connection.scope.get("client"), connection.scope.get("server")
    return peers((client[0], client[1]), (server[0], server[1])) if client and server else None


def _token_in_address(connection: HTTPConnection, gate: LocalGate) -> RedirectResponse | None:
    """The address that `deepmed serve` printed: keep its token in a cookie, show it no longer."""
    query = parse_qsl(connection.scope.get("query_string", b"").decode("latin-1"))
    given = dict(query).get("token")
    if connection.scope.get("method") != "GET" or given is None or not _right(given, gate):
        return None
    rest = urlencode([(name, value) for name, value in query if name != "token"])
    path = "/" + connection.scope["path"].lstrip("/\\")  # never //elsewhere
    answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
    answer.set_cookie(gate.cookie, given, httponly=True, samesite="strict", path="/")
    return answer


def _check_token(connection: HTTPConnection, gate: LocalGate) -> None:
    scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
    given = (
        credential.strip() if scheme.lower() == "bearer" else connection.cookies.get(gate.cookie)
    )
    if not given or not _right(given, gate):
        raise AuthenticationRequiredError(
            "This machine does not tell which user asks, so the server wants its start-up token: "
            "open the address that `deepmed serve` printed, or send the header "
            "Authorization: Bearer TOKEN."
        )


def _right(given: str, gate: LocalGate) -> bool:
    return gate.token is not None and secrets.compare_digest(given.encode(), gate.token.encode())
