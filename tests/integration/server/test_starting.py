"""How `deepmed serve` begins and ends (P-16, S-1)."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from factories.servers import free_ports, running_server

FAILED = 1
MIB = 1 << 20


def serve(*options: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deepmed.cli", "serve", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"DEEPMED_HOME": str(home)},
    )


@pytest.mark.req("P-16.1")
def test_health_answers_in_four_seconds_and_the_idle_server_is_small(home: Path) -> None:
    """With its worker; the machine of a test run is busy, so the best of six counts."""
    seconds = []
    for _ in range(6):
        with running_server(home) as server:
            seconds.append(server.started_in)
            resident = psutil.Process(server.process.pid).memory_info().rss
        if min(seconds) < 4:
            break
    assert min(seconds) < 4
    assert resident < 300 * MIB


@pytest.mark.req("P-16.1")
def test_no_model_library_is_loaded_to_start() -> None:
    program = (
        "import sys; import deepmed.app.serving; from deepmed.app.kinds import job_kinds; "
        "from deepmed.app.server import routers; job_kinds(); list(routers()); "
        "print([name for name in ('torch', 'sklearn', 'transformers', 'faiss') "
        "if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_when_it_is_asked_to(home: Path, kind: signal.Signals) -> None:
    with running_server(home) as server:
        children = psutil.Process(server.process.pid).children(recursive=True)
        begun = time.monotonic()
        server.process.send_signal(kind)
        assert server.process.wait(30) == 0
    assert time.monotonic() - begun < 15
    assert "Traceback" not in server.logged()
    assert not [child for child in children if child.is_running()]


@pytest.mark.req("S-1.2")
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - it must be refused
def test_an_address_for_others_is_refused_with_the_reason(home: Path, host: str) -> None:
    done = serve("--host", host, home=home)
    assert done.returncode == FAILED
    assert "accounts" in done.stderr
    assert "ssh -L" in done.stderr


@pytest.mark.parametrize(("option", "other"), [("--port", "--ws-port"), ("--ws-port", "--port")])
def test_a_taken_port_is_said_clearly(home: Path, option: str, other: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port, free = str(taken.getsockname()[1]), str(free_ports(1)[0])
        done = serve(option, port, other, free, home=home)
    assert done.returncode == FAILED
    assert f"Port {port}" in done.stderr
    assert option in done.stderr
