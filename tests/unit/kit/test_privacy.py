import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from deepmed.kit.privacy import OPT_OUTS, _stays_here

GUARDED = {"DEEPMED_SOCKET_GUARD": "1", "DEEPMED_SOCKET_GUARD_LOG": ""}


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in OPT_OUTS}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**clean, **GUARDED, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.req("S-25.2")
def test_opt_outs_are_set_before_any_library_is_imported_and_inherited() -> None:
    done = run(
        """
        import importlib.abc, os, subprocess, sys

        names = os.environ['EXPECTED'].split()

        class Watch(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] not in sys.stdlib_module_names and name != "deepmed":
                    if not name.startswith("deepmed."):
                        missing = [n for n in names if n not in os.environ]
                        assert not missing, (name, missing)
                        print("saw", name)

        sys.meta_path.insert(0, Watch())
        import deepmed.kit.settings
        child = "import os, sys; print('child', all(n in os.environ for n in sys.argv[1:]))"
        subprocess.run([sys.executable, "-c", child, *names], check=True)
        """,
        EXPECTED=" ".join(OPT_OUTS),
    )
    assert done.returncode == 0, done.stderr
    assert "saw pydantic" in done.stdout
    assert "child True" in done.stdout


@pytest.mark.req("S-25.2")
def test_the_spec_s_libraries_are_all_opted_out() -> None:
    spoken_for = " ".join(OPT_OUTS)
    for word in ("MLFLOW", "FLWR", "RAY", "HF_HUB", "DO_NOT_TRACK"):
        assert word in spoken_for


@pytest.mark.req("S-25.2")
def test_an_operator_keeps_the_last_word() -> None:
    done = run("import deepmed, os; print(os.environ['HF_HUB_OFFLINE'])", HF_HUB_OFFLINE="0")
    assert done.stdout.strip() == "0"


OUTWARD = {
    "connect": "socket.socket().connect(('192.0.2.1', 80))",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "ipv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "message": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
    "create": "socket.create_connection(('192.0.2.1', 80), timeout=5)",
    "names": "socket.getaddrinfo('example.invalid', 80)",
    "bytes": "socket.getaddrinfo(b'example.invalid', 80)",
    "old names": "socket.gethostbyname('example.invalid')",
    "reverse": "socket.gethostbyaddr('192.0.2.1')",
    "reverse too": "socket.getnameinfo(('192.0.2.1', 80), 0)",
    "look-alike": "socket.getaddrinfo('127.evil.invalid', 80)",
    "look-alike too": "socket.getaddrinfo('localhost.evil.invalid', 80)",
    "asyncio": "asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
    "asyncio by name": "asyncio.run(asyncio.open_connection('example.invalid', 80))",
    "urllib": "urllib.request.urlopen('http://192.0.2.1/', timeout=5)",
}


@pytest.mark.req("S-25.1")
@pytest.mark.parametrize("attempt", OUTWARD.values(), ids=OUTWARD)
def test_the_guard_stops_what_leads_to_another_machine(attempt: str) -> None:
    done = run(f"import asyncio, socket, urllib.request, deepmed\n{attempt}")
    assert done.returncode == 1
    assert "OutwardConnectionError" in done.stderr.splitlines()[-1]


@pytest.mark.req("S-25.1")
def test_children_are_guarded_too() -> None:
    child = "import socket, deepmed; socket.create_connection(('192.0.2.1', 80))"
    done = run(
        f"import deepmed, subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    )
    assert "OutwardConnectionError" in done.stderr


@pytest.mark.req("S-25.1")
def test_loopback_and_local_sockets_pass(tmp_path: Path) -> None:
    done = run(
        """
        import asyncio, socket, sys, deepmed

        def serve(family, address):
            server = socket.socket(family)
            server.bind(address)
            server.listen()
            return server

        for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, sys.argv[1])):
            with serve(family, address) as server, socket.socket(family) as client:
                client.connect(server.getsockname())
        with serve(socket.AF_INET, ("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            for name in ("localhost", "127.0.0.1"):
                socket.create_connection((name, port)).close()

            async def ask():
                _, writer = await asyncio.open_connection("localhost", port)
                writer.close()
                await writer.wait_closed()

            asyncio.run(ask())
        one, two = socket.socketpair()
        one.sendmsg([b"x"])
        two.close(); one.close()
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"x", ("127.0.0.1", 9))
        socket.getaddrinfo(None, 80)
        socket.gethostbyname("localhost")
        print("all passed")
        """.replace("sys.argv[1]", repr(str(tmp_path / "s")))
    )
    assert done.stdout == "all passed\n", done.stderr


@pytest.mark.req("S-25.1")
def test_an_attempt_whose_error_was_swallowed_is_in_the_list(tmp_path: Path) -> None:
    log = tmp_path / "attempts.log"
    done = run(
        """
        import socket, deepmed
        try:
            socket.create_connection(("192.0.2.7", 80))
        except Exception:
            print("swallowed")
        """,
        DEEPMED_SOCKET_GUARD_LOG=str(log),
    )
    assert done.stdout == "swallowed\n"
    assert "192.0.2.7" in log.read_text(encoding="utf-8")


def test_without_the_variable_there_is_no_guard() -> None:
    done = run(
        "import deepmed, socket; print(socket.socket().connect_ex(('0.0.0.0', 1)) > 0, end=' ');"
        "import sys; print(hasattr(sys, '_deepmed_socket_guard'))",
        DEEPMED_SOCKET_GUARD="",
    )
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize(
    ("host", "stays"),
    [
        (None, True),
        ("", True),
        (b"localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),  # noqa: S104 - compared, not bound
        ("::", True),
        ("::1%lo", True),
        ("127.evil.example", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("169.254.169.254", False),
        (b"\xff", False),
    ],
)
def test_what_counts_as_this_machine(host: object, *, stays: bool) -> None:
    assert _stays_here(host) is stays


@pytest.mark.req("S-25.1")
def test_this_very_suite_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    # The suite fails when an attempt is listed; this one is on purpose.
    monkeypatch.delenv("DEEPMED_SOCKET_GUARD_LOG")
    with socket.socket() as outward, pytest.raises(RuntimeError, match="this machine only"):
        outward.connect(("192.0.2.99", 80))
