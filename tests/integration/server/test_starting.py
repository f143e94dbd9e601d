"""How `deepmed serve` begins and ends (P-16, S-1)."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from factories.launching import Forked, launcher
from factories.servers import STDIN, free_ports, running_server

FAILED = 1
MIB = 1 << 20
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Refusal:
    code: int
    told: str


def serve(*options: str, home: Path) -> Refusal:
    """What `deepmed serve` says that does not begin."""
    with (home / "told").open("w+b") as told:
        files = (STDIN, told.fileno(), told.fileno())
        process = Forked(launcher(), ["serve", *options], files=files)
        code = process.wait(60)
        told.seek(0)
        return Refusal(code, told.read().decode())


@dataclass(frozen=True)
class Life:
    """What was seen of a server that was started as people do, with its worker, and ended."""

    started_in: float
    resident: int
    code: int
    ended_in: float
    logged: str
    left: list[psutil.Process]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[signal.Signals, Life]:
    """By the signal that ended it."""
    homes = {kind: tmp_path_factory.mktemp(kind.name) / "home" for kind in SIGNALS}
    return {kind: lived(home, kind) for kind, home in homes.items()}


def lived(home: Path, kind: signal.Signals) -> Life:
    home.mkdir(mode=0o700)
    with running_server(home, cold=True) as server:
        started_in = server.started_in - stood_in_line(server.process.pid)
        process = psutil.Process(server.process.pid)
        resident, children = process.memory_info().rss, process.children(recursive=True)
        begun = time.monotonic()
        server.process.send_signal(kind)
        code = server.process.wait(30)
    left = [child for child in children if child.is_running()]
    ended_in = time.monotonic() - begun
    return Life(started_in, resident, code, ended_in, server.logged(), left)


def stood_in_line(process: int) -> float:
    """Seconds in which its first thread could have run, had other programs left it a core.

    So a busy machine is told apart from a slow start; where the system does not count them it is 0.
    """
    try:
        counted = Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return 0.0
    return int(counted[1]) / 1e9


@pytest.mark.req("P-16.1")
def test_health_answers_in_four_seconds_and_the_idle_server_is_small(
    lives: dict[signal.Signals, Life],
) -> None:
    assert min(life.started_in for life in lives.values()) < 4
    assert all(life.resident < 300 * MIB for life in lives.values())


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


@pytest.mark.parametrize("kind", SIGNALS)
def test_it_ends_in_order_when_it_is_asked_to(
    lives: dict[signal.Signals, Life], kind: signal.Signals
) -> None:
    life = lives[kind]
    assert life.code == 0
    assert life.ended_in < 15
    assert "Traceback" not in life.logged
    assert life.left == []


@pytest.mark.req("S-1.2")
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - it must be refused
def test_an_address_for_others_is_refused_with_the_reason(home: Path, host: str) -> None:
    done = serve("--host", host, home=home)
    assert done.code == FAILED
    assert "accounts" in done.told
    assert "ssh -L" in done.told


@pytest.mark.parametrize(("option", "other"), [("--port", "--ws-port"), ("--ws-port", "--port")])
def test_a_taken_port_is_said_clearly(home: Path, option: str, other: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port, free = str(taken.getsockname()[1]), str(free_ports(1)[0])
        done = serve(option, port, other, free, home=home)
    assert done.code == FAILED
    assert f"Port {port}" in done.told
    assert option in done.told
