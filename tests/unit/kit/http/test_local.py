import os
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from deepmed.kit.http.caller import Caller, Role, caller_of
from deepmed.kit.http.local import LocalAccessMiddleware, LocalGate
from deepmed.kit.http.middlewares.errors import ErrorHandlingMiddleware
from deepmed.kit.http.peer import Address
from deepmed.kit.http.problems import Problems
from deepmed.kit.http.statistics import RequestStatistics

ME = Caller(7, "me", Role.ADMINISTRATOR)
TOKEN = "start-up-token"  # noqa: S105 - no secret, a test's own


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who asks, over HTTP or a WebSocket."""
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_json(caller_of(socket).name)
        await socket.close()
        return
    await JSONResponse(caller_of(Request(scope)).name)(scope, receive, send)


def server(gate: LocalGate, problems: Problems, port: int = 8000) -> TestClient:
    guarded = LocalAccessMiddleware(greet, gate)
    app = ErrorHandlingMiddleware(guarded, problems, RequestStatistics())
    return TestClient(app, base_url=f"http://localhost:{port}", follow_redirects=False)


def with_user(uid: int | None) -> LocalGate:
    return LocalGate(ME, lambda _client, _server: uid)


@pytest.fixture
def mine(problems: Problems) -> TestClient:
    return server(with_user(os.geteuid()), problems)


class TestUser:
    @pytest.mark.req("S-1.1")
    def test_whoever_started_the_server_is_the_caller(self, mine: TestClient) -> None:
        assert mine.get("/").json() == "me"

    @pytest.mark.req("S-1.1")
    @pytest.mark.parametrize("uid", [os.geteuid() + 1, None])
    def test_another_user_gets_403_and_the_way_to_shared_mode(
        self, problems: Problems, uid: int | None
    ) -> None:
        answer = server(with_user(uid), problems).get("/")
        assert answer.status_code == 403
        assert answer.json()["code"] == "access_refused"
        assert "shared mode" in answer.json()["detail"]

    def test_both_ends_of_the_connection_are_asked_about(self, problems: Problems) -> None:
        asked: list[tuple[Address, Address]] = []

        def peers(client: Address, own: Address) -> int:
            asked.append((client, own))
            return os.geteuid()

        server(LocalGate(ME, peers), problems).get("/")
        assert asked == [(("testclient", 50000), ("localhost", 8000))]

    @pytest.mark.req("S-1.1")
    def test_another_users_websocket_is_closed_before_it_opens(self, problems: Problems) -> None:
        client = server(with_user(os.geteuid() + 1), problems)
        with pytest.raises(WebSocketDisconnect) as end, client.websocket_connect("/"):
            pass
        assert end.value.code == 1008


class TestHeaders:
    @pytest.mark.req("S-1.2")
    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
    def test_our_own_names_are_served(self, mine: TestClient, host: str) -> None:
        assert mine.get("/", headers={"host": host}).status_code == 200

    @pytest.mark.req("S-1.2")
    @pytest.mark.parametrize(
        "host",
        ["evil.example:8000", "localhost:8001", "localhost", "localhost.evil.example:8000", ""],
    )
    def test_a_rebinding_name_is_refused(self, mine: TestClient, host: str) -> None:
        answer = mine.get("/", headers={"host": host})
        assert answer.status_code == 403
        assert "http://localhost:8000" in answer.json()["detail"]

    def test_two_names_are_refused(self, mine: TestClient) -> None:
        headers = [("host", "localhost:8000"), ("host", "evil.example")]
        assert mine.get("/", headers=headers).status_code == 403

    def test_a_browser_leaves_out_port_80(self, problems: Problems) -> None:
        client = server(with_user(os.geteuid()), problems, port=80)
        assert client.get("/", headers={"host": "localhost"}).status_code == 200

    @pytest.mark.req("S-1.2")
    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "https://localhost:8000", "http://localhost:3000", "null", ""],
    )
    def test_a_foreign_origin_is_refused_on_http_and_websocket(
        self, mine: TestClient, origin: str
    ) -> None:
        assert mine.get("/", headers={"origin": origin}).status_code == 403
        with (
            pytest.raises(WebSocketDisconnect) as end,
            mine.websocket_connect("ws://localhost:8000/", headers={"origin": origin}),
        ):
            pass
        assert end.value.code == 1008

    @pytest.mark.req("S-1.2")
    def test_our_own_origin_is_served_on_http_and_websocket(self, mine: TestClient) -> None:
        origin = {"origin": "http://127.0.0.1:8000"}
        assert mine.post("/", headers=origin).status_code == 200
        with mine.websocket_connect("ws://localhost:8000/", headers=origin) as socket:
            assert socket.receive_json() == "me"

    @pytest.mark.req("S-1.2")
    @pytest.mark.parametrize(
        "name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Whatever", "X-Real-IP", "Via"]
    )
    def test_a_proxy_is_refused(self, mine: TestClient, name: str) -> None:
        answer = mine.get("/", headers={name: "127.0.0.1"})
        assert answer.status_code == 403
        assert "proxy" in answer.json()["detail"]

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_another_sites_page_changes_nothing(self, mine: TestClient, site: str) -> None:
        """A browser that sends no Origin tells the site; another port is the same site."""
        headers = {"sec-fetch-site": site}
        assert mine.post("/", headers=headers).status_code == 403
        assert mine.delete("/", headers=headers).status_code == 403
        assert mine.get("/", headers=headers).status_code == 200
        assert mine.post("/", headers={"sec-fetch-site": "same-origin"}).status_code == 200


class TestToken:
    @pytest.fixture
    def client(self, problems: Problems) -> TestClient:
        return server(LocalGate(ME, None, TOKEN), problems)

    @pytest.mark.req("S-1.1")
    @pytest.mark.parametrize("given", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer "])
    def test_where_the_user_cannot_be_read_the_token_is_required(
        self, client: TestClient, given: str | None
    ) -> None:
        headers = {} if given is None else {"authorization": given}
        answer = client.get("/", headers=headers)
        assert answer.status_code == 401
        assert "start-up token" in answer.json()["detail"]

    @pytest.mark.req("S-1.1")
    def test_a_program_sends_it_in_a_header(self, client: TestClient) -> None:
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert client.get("/", headers=headers).json() == "me"

    @pytest.mark.req("S-1.1")
    def test_a_browser_takes_it_from_the_printed_address_and_shows_it_no_longer(
        self, client: TestClient
    ) -> None:
        answer = client.get("/gallery", params={"token": TOKEN, "page": "2"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/gallery?page=2"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/").json() == "me"

    def test_the_token_opens_no_door_for_another_site(self, client: TestClient) -> None:
        headers: dict[str, Any] = {
            "authorization": f"Bearer {TOKEN}",
            "origin": "http://evil.example",
        }
        assert client.post("/", headers=headers).status_code == 403
        answer = client.get("http://localhost:8000//evil.example", params={"token": TOKEN})
        assert answer.headers["location"] == "/evil.example"

    def test_without_a_token_of_its_own_a_server_lets_nobody_in(self, problems: Problems) -> None:
        headers = {"authorization": "Bearer None"}
        assert server(LocalGate(ME, None), problems).get("/", headers=headers).status_code == 401
