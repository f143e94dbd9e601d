"""The real server serves its own user, directly, and nobody else (S-1)."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.kit.http.peer import can_tell_users
from factories.servers import RunningServer, exchange, handshake, running_server

NOBODY = 65534
CANARY = "canary-5b1e"
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
pytestmark = pytest.mark.skipif(not can_tell_users(), reason="this machine lists no sockets")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    home = tmp_path_factory.mktemp("local") / "home"
    with running_server(home, "--no-worker") as running:
        yield running


def get(server: RunningServer, path: str = "/health", **headers: str) -> bytes:
    given = {"Host": f"localhost:{server.port}", "Connection": "close", **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def ports(server: RunningServer) -> list[int]:
    return [server.port, server.push_port]


class TestOwnUser:
    @pytest.mark.req("S-1.1")
    @pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
    def test_the_guides_curl_works_as_printed(self, server: RunningServer, name: str) -> None:
        command = ["curl", "--silent", "--fail", f"http://{name}:{server.port}/health"]
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)
        assert b'"healthy"' in done.stdout

    @pytest.mark.req("S-1.1")
    def test_both_families_are_ours(self, server: RunningServer) -> None:
        try:
            answer = exchange(server.port, get(server, Host=f"[::1]:{server.port}"), host="::1")
        except subprocess.CalledProcessError:
            pytest.skip("this machine has no IPv6")
        assert status(answer) == 200

    def test_the_server_does_not_say_what_it_is(self, server: RunningServer) -> None:
        head = exchange(server.port, get(server)).partition(b"\r\n\r\n")[0].lower()
        assert b"server:" not in head
        assert b"content-security-policy: default-src 'self'" in head

    @pytest.mark.req("S-1.2")
    def test_our_own_page_may_open_a_websocket_on_both_ports(self, server: RunningServer) -> None:
        origin = f"http://localhost:{server.port}"
        for port in ports(server):
            assert status(exchange(port, handshake(port, Origin=origin))) == 101


@as_root
class TestAnotherUser:
    @pytest.mark.req("S-1.1")
    def test_gets_403_and_the_way_to_shared_mode(self, server: RunningServer) -> None:
        answer = exchange(server.port, get(server), as_user=NOBODY)
        assert status(answer) == 403
        assert b"shared mode" in answer
        assert b'"healthy"' not in answer

    @pytest.mark.req("S-1.1")
    def test_opens_no_websocket_on_either_port(self, server: RunningServer) -> None:
        for port in ports(server):
            assert status(exchange(port, handshake(port), as_user=NOBODY)) == 403

    @pytest.mark.req("S-1.1")
    def test_a_proxy_under_another_account_is_refused(self, server: RunningServer) -> None:
        """Even one that sends no header of its own."""
        answer = exchange(server.port, get(server), as_user=NOBODY)
        assert status(answer) == 403

    @pytest.mark.req("S-1.1")
    def test_gains_nothing_by_hanging_up_at_once(self, server: RunningServer) -> None:
        """The kernel shows a socket that was hung up as root's, and this server may be root's."""
        program = (
            "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "for _ in range(20):\n"
            "    s = socket.socket(); s.connect(('127.0.0.1', int(sys.argv[1])))\n"
            "    s.send(sys.argv[2].encode()); s.close()\n"
        )
        before = server.logged().count('"/metrics"')
        request = get(server, "/metrics").decode()
        command = ["python3", "-S", "-c", program, str(server.port), request]
        subprocess.run(command, timeout=60, check=True)
        time.sleep(0.5)
        served = [
            line
            for line in server.logged().splitlines()
            if '"/metrics"' in line and '"status": 200' in line
        ]
        assert len(served) == before == 0


class TestInBetween:
    @pytest.mark.req("S-1.2")
    @pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
    def test_a_proxy_with_forwarding_headers_is_refused(
        self, server: RunningServer, name: str
    ) -> None:
        answer = exchange(server.port, get(server, **{name: "for=127.0.0.1"}))
        assert status(answer) == 403
        for port in ports(server):
            assert status(exchange(port, handshake(port, **{name: "for=127.0.0.1"}))) == 403

    @pytest.mark.req("S-1.2")
    def test_a_foreign_origin_is_refused_on_http_and_on_both_websockets(
        self, server: RunningServer
    ) -> None:
        for origin in ("http://evil.example", "null", f"http://localhost:{server.port + 1}"):
            assert status(exchange(server.port, get(server, Origin=origin))) == 403
            for port in ports(server):
                assert status(exchange(port, handshake(port, Origin=origin))) == 403

    @pytest.mark.req("S-1.2")
    def test_a_rebinding_name_is_refused_on_http_and_on_both_websockets(
        self, server: RunningServer
    ) -> None:
        for host in ("evil.example", f"evil.example:{server.port}", "localhost"):
            assert status(exchange(server.port, get(server, Host=host))) == 403
            for port in ports(server):
                assert status(exchange(port, handshake(port, Host=host))) == 403

    def test_the_second_port_answers_nothing_but_websockets(self, server: RunningServer) -> None:
        request = get(server, Host=f"localhost:{server.push_port}")
        assert status(exchange(server.push_port, request)) == 426


@pytest.mark.req("P-9.1")
def test_a_body_without_a_length_is_cut_off_where_it_gets_too_large(server: RunningServer) -> None:
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    head = (
        f"POST /api/v1/alerts/thresholds HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
        "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = exchange(server.port, head.encode() + piece * 30)  # and never its end
    assert status(answer) == 413
    assert b"request_too_large" in answer


@pytest.mark.req("S-13.1")
def test_the_servers_log_has_ids_and_none_of_what_was_sent(server: RunningServer) -> None:
    body = f'{{"password": "{CANARY}", "age": "{CANARY}"}}'
    requests = [
        get(server, f"/health?name={CANARY}", Authorization=f"Bearer {CANARY}"),
        get(server, f"/{CANARY}", Cookie=f"session={CANARY}"),
        get(server, f"/api/v1/health/component/{CANARY}"),
        get(server, "/health", **{"User-Agent": CANARY, "Origin": f"http://{CANARY}"}),
        get(server, "/api/v1/alerts/thresholds", **{"Content-Length": str(len(body))}).replace(
            b"GET", b"POST"
        )
        + body.encode(),
        f"{CANARY} is not HTTP\r\n\r\n".encode(),
    ]
    answers = [exchange(server.port, request) for request in requests]
    assert all(answers)
    logged = server.logged()
    assert CANARY not in logged
    ours = [line for line in logged.splitlines() if "/health/component/{component_name}" in line]
    assert '"status": 404' in ours[0]
    assert '"request_id"' in ours[0]
    assert '"user": 1' in ours[0]


@pytest.mark.req("S-1.1")
def test_the_data_folder_is_its_users_alone(server: RunningServer) -> None:
    folder = server.log.parent / "home"
    assert Path(folder).stat().st_mode & 0o077 == 0
