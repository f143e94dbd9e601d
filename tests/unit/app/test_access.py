"""Every route for every role, as docs/routes.md says it (S-2)."""

import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

import make_routes
from deepmed.app.access import ROLES
from deepmed.app.server import create_app
from deepmed.core.home import Home
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.http.caller import Caller, Role
from deepmed.kit.http.errors import AccessRefusedError
from deepmed.kit.http.routing import RoleAccessMiddleware, names_of
from factories.servers import oneself

PAGE = Path(__file__).parents[3] / "docs" / "routes.md"
COLUMNS = ["anyone", *(role.name.lower() for role in Role)]


def cells() -> Iterator[tuple[str, str, bool]]:
    """Each cell of the page: the route, the role of the column, and whether it says yes."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `([^`]+)` \| (.*) \|$", line):
            for column, word in zip(COLUMNS, found[2].split(" | "), strict=True):
                yield found[1], column, word == "yes"


@pytest.mark.req("S-2.2")
def test_the_page_has_every_route_and_role() -> None:
    shown = {(route, column) for route, column, _ in cells()}
    assert shown == {(route, column) for route in ROLES for column in COLUMNS}
    assert make_routes.main(["--check"]) == 0


@pytest.mark.req("S-2.1")
def test_there_are_the_five_roles_each_above_the_last() -> None:
    names = ["viewer", "annotator", "analyst", "operator", "administrator"]
    assert [role.name.lower() for role in sorted(Role)] == names


@pytest.mark.req("S-2.2")
def test_every_cell_is_what_the_server_does(opened: Home) -> None:
    app = create_app(opened, peers=oneself)
    wrong = [
        (route, column, said)
        for route, column, said in cells()
        if let_in(app, route, None if column == "anyone" else Role[column.upper()]) is not said
    ]
    assert wrong == []


def let_in(app: FastAPI, name: str, role: Role | None) -> bool:
    """Whether the server's own check lets a role, or somebody without one, reach a route."""
    reached = []

    async def reach(_scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(name)

    try:
        call(RoleAccessMiddleware(reach, app.routes, ROLES), scope_of(app, name, role))
    except (AccessRefusedError, KeyError):  # a KeyError where it asks for a caller who is not there
        return False
    return reached == [name]


def scope_of(app: FastAPI, name: str, role: Role | None) -> Scope:
    """A request that this very route answers."""
    kind, _, pattern = name.partition(" ")
    path = re.sub(r"\{[^}]+\}", "1", pattern) + ("/x" if kind == "MOUNT" else "")
    scope: Scope = {
        "type": "websocket" if kind == "WEBSOCKET" else "http",
        "method": "GET" if kind in {"MOUNT", "WEBSOCKET"} else kind,
        "path": path,
        "headers": [],
        "app": app,
    }
    if role is not None:
        scope["deepmed_caller"] = Caller(1, "test", role)
    answering = next(
        route
        for route in iter_route_contexts(app.routes)
        if route.matches(dict(scope))[0].name == "FULL"
    )
    assert name in names_of(answering), f"{path} is answered by another route"
    return scope


def call(app: ASGIApp, scope: Scope) -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_message: Message) -> None: ...

    async def run() -> None:
        await app(scope, receive, send)

    anyio.run(run)


def unlisted_route(app: FastAPI) -> None:
    app.add_api_route("/unlisted", lambda: None)


def unlisted_in_a_router(app: FastAPI) -> None:
    router = APIRouter(prefix="/deep")
    router.add_api_route("/unlisted", lambda: None, methods=["DELETE"])
    app.include_router(router, prefix="/api/v1")


def unlisted_websocket(app: FastAPI) -> None:
    async def talk(socket: WebSocket) -> None:
        await socket.close()

    app.add_api_websocket_route("/unlisted", talk)


def unlisted_mount(app: FastAPI) -> None:
    app.mount("/unlisted", StaticFiles(directory=Path(__file__).parent))


@pytest.mark.req("S-2.2")
@pytest.mark.parametrize(
    "prepare", [unlisted_route, unlisted_in_a_router, unlisted_websocket, unlisted_mount]
)
def test_a_server_with_an_unlisted_route_does_not_start(opened: Home, prepare: object) -> None:
    with pytest.raises(ConfigurationError, match="/unlisted"):
        create_app(opened, prepare=prepare)  # type: ignore[arg-type]  # one of those above


@pytest.mark.req("S-2.2")
def test_a_server_with_a_stale_line_does_not_start(opened: Home) -> None:
    with pytest.raises(ConfigurationError, match="GET /gone"):
        create_app(opened, roles={**ROLES, "GET /gone": Role.VIEWER})
