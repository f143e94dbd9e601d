"""In local mode the operating system says who asks: no password is taken, no token is given."""

import pytest
from starlette.testclient import TestClient

from deepmed.app.access import ROLES
from deepmed.core.home import Home
from deepmed.kit.http.caller import Role
from factories import servers
from factories.api import PREFIX

TOKEN = "a start-up token"  # noqa: S105 - of this test alone


@pytest.fixture
def client(opened: Home) -> TestClient:
    return servers.client(opened)


@pytest.mark.req("S-1.1")
def test_the_status_names_the_person_at_this_machine(client: TestClient) -> None:
    found = client.get("/auth/status").json()
    assert found["authenticated"] is True
    assert (found["session_info"], found["expires_in"]) == (None, None)
    assert (found["mode"], found["by"]) == ("local", "operating_system")
    assert (found["user"], found["role"]) == ("local", "administrator")
    assert "no sessions" in found["reason"]


def test_the_status_says_when_a_token_was_asked_for(opened: Home) -> None:
    client = servers.client(opened, peers=None, token=TOKEN)
    assert client.get("/auth/status").status_code == 401
    found = client.get("/auth/status", headers={"authorization": f"Bearer {TOKEN}"}).json()
    assert found["by"] == "start_up_token"


@pytest.mark.req("S-1.1")
def test_another_user_of_the_machine_learns_nothing(opened: Home) -> None:
    client = servers.client(opened, peers=lambda *_: 12345678)
    for path in ("/auth/status", "/auth/stats", "/auth/login"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "to"),
    [
        (None, "/"),
        ("/models", "/models"),
        ("/api/v1/config/", "/api/v1/config/"),
        ("//elsewhere.example/x", "/elsewhere.example/x"),
        ("\\\\elsewhere.example", "/elsewhere.example"),
        ("https://elsewhere.example", "/https://elsewhere.example"),
    ],
)
def test_who_wants_to_sign_in_goes_on_and_never_elsewhere(
    client: TestClient, wanted: str | None, to: str
) -> None:
    answer = client.get("/auth/login", params={"redirect": wanted} if wanted else {})
    assert (answer.status_code, answer.headers["location"]) == (302, to)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/auth/login", "/auth/api/login"])
def test_no_password_gives_a_token(client: TestClient, path: str) -> None:
    for sent in ({"json": {"password": "secret"}}, {"data": {"password": "secret"}}):
        answer = client.post(path, **sent)  # type: ignore[arg-type]  # one of the two
        assert answer.status_code == 501
        assert "later version" in answer.json()["detail"]
        assert "token" not in answer.json()
        assert "set-cookie" not in answer.headers


def test_signing_out_goes_home(client: TestClient) -> None:
    answer = client.post("/auth/logout")
    assert (answer.status_code, answer.headers["location"]) == (302, "/")
    assert "set-cookie" not in answer.headers


def test_signing_out_forgets_the_start_up_token_in_the_browser(opened: Home) -> None:
    client = servers.client(opened, peers=None, token=TOKEN)
    assert client.get("/auth/status", params={"token": TOKEN}).status_code == 303
    assert client.get("/auth/status").status_code == 200
    assert client.post("/auth/logout").status_code == 302
    assert client.get("/auth/status").status_code == 401


@pytest.mark.req("S-2.2")
def test_the_statistics_list_the_routes_of_the_one_table(client: TestClient) -> None:
    found = client.get("/auth/stats").json()
    assert found["protected_routes"] == [name for name, role in ROLES.items() if role is not None]
    assert found["public_routes"] == [name for name, role in ROLES.items() if role is None]
    counts = found["authentication_stats"]
    assert counts.pop("active_sessions") == 0
    assert "no sessions" in counts.pop("reason")
    assert set(counts.values()) == {None}


def test_the_statistics_are_the_operators(opened: Home) -> None:
    assert servers.client(opened, role=Role.ANALYST).get("/auth/stats").status_code == 403


def test_the_addresses_are_where_the_contract_says(client: TestClient) -> None:
    paths = client.get(f"{PREFIX}/openapi.json").json()["paths"]
    found = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        if path.startswith("/auth")
        for method in methods
    }
    assert found == {name for name in ROLES if " /auth/" in name}
    assert len(found) == 6
