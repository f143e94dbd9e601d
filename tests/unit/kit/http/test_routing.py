from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from deepmed.kit.errors import ConfigurationError
from deepmed.kit.http.caller import Caller, Role
from deepmed.kit.http.middlewares.errors import ErrorHandlingMiddleware
from deepmed.kit.http.problems import Problems
from deepmed.kit.http.routing import (
    ANYONE,
    RoleAccessMiddleware,
    Roles,
    all_names,
    check_roles,
)
from deepmed.kit.http.statistics import RequestStatistics

ROLES: Roles = {
    "GET /open": ANYONE,
    "GET /api/things/mine": Role.ANALYST,
    "GET /api/things/{name}": Role.VIEWER,
    "DELETE /api/things/{name}": Role.OPERATOR,
    "WEBSOCKET /api/events": Role.ANALYST,
    "MOUNT /files": Role.VIEWER,
}


def application() -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    router = APIRouter(prefix="/things")

    @router.get("/mine")
    def mine() -> str:
        return "mine"

    @router.get("/{name}")
    def one(name: str) -> str:
        return name

    @router.delete("/{name}")
    def remove(name: str) -> str:
        return name

    outer = APIRouter()
    outer.include_router(router)

    @outer.websocket("/events")
    async def events(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    @app.get("/open")
    def opened() -> str:
        return "open"

    app.include_router(outer, prefix="/api")
    app.mount("/files", Starlette())
    return app


def client(role: Role | None, app: FastAPI, problems: Problems) -> TestClient:
    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        if role is not None:
            scope["deepmed_caller"] = Caller(1, "test", role)
        await guarded(scope, receive, send)

    guarded: ASGIApp = RoleAccessMiddleware(app, app.routes, ROLES)
    return TestClient(ErrorHandlingMiddleware(identified, problems, RequestStatistics()))


@pytest.mark.req("S-2.2")
class TestCheck:
    def test_every_kind_of_route_is_named(self) -> None:
        assert set(all_names(application().routes)) == set(ROLES)

    def test_a_route_without_a_role_is_refused(self) -> None:
        fewer = {name: role for name, role in ROLES.items() if "DELETE" not in name}
        with pytest.raises(ConfigurationError, match=r"DELETE /api/things/\{name\}"):
            check_roles(application().routes, fewer)

    @pytest.mark.parametrize("name", ["WEBSOCKET /api/events", "MOUNT /files"])
    def test_neither_a_websocket_nor_a_mount_is_forgotten(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match=name):
            check_roles(application().routes, {k: v for k, v in ROLES.items() if k != name})

    def test_a_stale_entry_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="GET /gone"):
            check_roles(application().routes, {**ROLES, "GET /gone": Role.VIEWER})

    def test_a_complete_table_passes(self) -> None:
        check_roles(application().routes, ROLES)


@pytest.mark.req("S-2.1")
class TestAccess:
    @pytest.fixture
    def ask(self, problems: Problems) -> Callable[[Role | None], TestClient]:
        return lambda role: client(role, application(), problems)

    def test_a_role_may_do_what_those_below_it_may(
        self, ask: Callable[[Role | None], TestClient]
    ) -> None:
        for role in Role:
            status = ask(role).delete("/api/things/x").status_code
            assert status == (200 if role >= Role.OPERATOR else 403), role

    def test_the_route_that_answers_is_the_one_that_is_asked_about(
        self, ask: Callable[[Role | None], TestClient]
    ) -> None:
        """/things/mine also matches /things/{name}, which takes less."""
        assert ask(Role.VIEWER).get("/api/things/x").json() == "x"
        assert ask(Role.VIEWER).get("/api/things/mine").status_code == 403
        assert ask(Role.ANALYST).get("/api/things/mine").json() == "mine"

    def test_a_refusal_names_the_role_that_it_takes(
        self, ask: Callable[[Role | None], TestClient]
    ) -> None:
        body = ask(Role.VIEWER).delete("/api/things/x").json()
        assert body["code"] == "access_refused"
        assert "operator" in body["detail"]

    def test_a_websocket_takes_its_role_too(self, ask: Callable[[Role | None], TestClient]) -> None:
        with ask(Role.ANALYST).websocket_connect("/api/events"):
            pass
        with (
            pytest.raises(WebSocketDisconnect) as end,
            ask(Role.VIEWER).websocket_connect("/api/events"),
        ):
            pass
        assert end.value.code == 1008

    def test_what_is_open_needs_no_caller(self, ask: Callable[[Role | None], TestClient]) -> None:
        assert ask(None).get("/open").json() == "open"
        assert ask(None).head("/open").status_code == 405

    def test_a_head_takes_the_role_of_a_get(self, problems: Problems) -> None:
        assert client(Role.VIEWER, application(), problems).head("/files/x").status_code == 404

    def test_a_route_that_came_later_is_reached_by_nobody(self, problems: Problems) -> None:
        app = application()

        @app.get("/late")
        def late() -> str:
            return "late"

        answer = client(Role.ADMINISTRATOR, app, problems).get("/late")
        assert answer.status_code == 403

    def test_an_unknown_address_and_method_are_the_routers_to_tell(
        self, ask: Callable[[Role | None], TestClient]
    ) -> None:
        assert ask(Role.VIEWER).get("/nowhere").status_code == 404
        assert ask(Role.VIEWER).patch("/api/things/x").status_code == 405


def test_a_head_of_its_own_has_a_role_of_its_own(problems: Problems) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/x", lambda: None, methods=["HEAD"])
    assert list(all_names(app.routes)) == ["HEAD /x"]
    roles = RoleAccessMiddleware(app, app.routes, {"HEAD /x": ANYONE})
    client = TestClient(ErrorHandlingMiddleware(roles, problems, RequestStatistics()))
    assert client.head("/x").status_code == 200


def test_a_head_of_several_methods_is_asked_like_a_get(problems: Problems) -> None:
    app = Starlette()
    app.add_route("/x", lambda _request: PlainTextResponse("x"), methods=["GET", "POST"])
    table: Roles = {"GET /x": ANYONE, "POST /x": Role.ADMINISTRATOR}
    check_roles(app.routes, table)
    roles = RoleAccessMiddleware(app, app.routes, table)
    client = TestClient(ErrorHandlingMiddleware(roles, problems, RequestStatistics()))
    assert client.head("/x").status_code == 200
