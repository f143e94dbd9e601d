import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from deepmed.app import serving
from deepmed.app.serving import Serving, _listen, loopback_addresses
from deepmed.core.home import Home
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.http.peer import peer_uid
from deepmed.kit.settings import current
from deepmed.web import routes


@pytest.mark.req("S-1.2")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104 - refused
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="accounts") as refusal:
        loopback_addresses(host)
    assert "ssh -L" in refusal.value.message


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1", "::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("127.0.0.2", ["127.0.0.2"]),
    ],
)
def test_this_machines_own_addresses_are_taken(host: str, addresses: list[str]) -> None:
    assert loopback_addresses(host) == addresses


def test_a_taken_port_is_told_with_the_option_that_changes_it() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other, ExitStack() as stack:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} of 127.0.0.1.*--ws-port"):
            _listen(stack, ["127.0.0.1"], port, "--ws-port")


def test_both_families_have_the_same_port_and_send_without_delay() -> None:
    with ExitStack() as stack:
        found = _listen(stack, ["127.0.0.1", "::1"], 0, "--port")
        assert len({listener.getsockname()[1] for listener in found}) == 1
        assert {listener.proto for listener in found} == {socket.IPPROTO_TCP}


@pytest.mark.req("S-1.1")
def test_where_users_cannot_be_told_the_address_has_a_token(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "can_tell_users", lambda: False)
    app = serving._application(opened, with_worker=False)
    address = serving._address(app, 8000)
    token = address.partition("?token=")[2]
    assert len(token) >= 43
    client = TestClient(app, base_url="http://localhost:8000", follow_redirects=False)
    assert client.get("/health").status_code == 401
    assert client.get(address).status_code == 303
    assert client.get("/health").status_code == 200


def test_otherwise_there_is_no_token(opened: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "can_tell_users", lambda: True)
    app = serving._application(opened, with_worker=False)
    assert serving._address(app, 8000) == "http://localhost:8000/"
    assert app.state.gate.peers is peer_uid


def test_a_server_logs_requests_unless_it_is_told_otherwise(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert serving._watched(current()).log_level == "info"
    monkeypatch.setenv("DEEPMED_LOG_LEVEL", "error")
    current.cache_clear()
    assert serving._watched(current()).log_level == "error"


def test_pages_that_will_look_bare_are_told_with_the_remedy(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return

    said: list[str] = []
    monkeypatch.setattr(serving, "_serve", nothing)
    monkeypatch.setattr(routes, "ASSETS_READY", home / "htmx.js")
    for _ in range(2):
        serving.run(Serving("127.0.0.1", 0, 0, with_worker=False, demo=False), said.append)
        (home / "htmx.js").touch()
    assert [line for line in said if "make assets" in line] == said[1:2]
    assert len(said) == 3
