"""A server for tests: the application in this process, or `deepmed serve` in one of its own."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute

from deepmed.app.server import create_app
from deepmed.core.home import Home
from deepmed.kit.http.peer import Address
from factories.launching import Forked, launcher

PATIENCE_SECONDS = 30
STDIN = 0
PROMPT = {"DEEPMED_JOB_NICENESS": "0"}
"""Jobs that wait for no other program: what they would stand back for are the other tests."""


def oneself(_client: Address, _server: Address) -> int | None:
    """Whoever asks is the user who runs the tests: a test client has no socket to look up."""
    return os.geteuid()


def client(home: Home, **options: Any) -> TestClient:
    """A client of the application in local mode; `options` go to `create_app`.

    As a context manager it also starts and ends what works beside the server.
    """
    application = create_app(home, **{"peers": oneself, "prepare": _share_routes, **options})
    made = TestClient(application, base_url="http://localhost:8000", follow_redirects=False)
    made.portal = _loop()
    return made


@cache
def _loop() -> BlockingPortal:
    """One event loop for all requests, as a server has it: starting and ending a thread with a loop
    of its own for each request took longer than most answers.
    """
    running = start_blocking_portal()
    atexit.register(running.__exit__, None, None, None)
    return running.__enter__()


def _share_routes(application: FastAPI) -> None:
    """Take the routes that an earlier application has built of the same routers.

    They are the same for every data folder, and building them takes longer than most tests.
    """
    routes = application.router.routes
    for place, route in enumerate(routes):
        if router := getattr(route, "original_router", None):
            routes[place] = _built.setdefault((id(router), place), route)


_built: dict[tuple[int, int], BaseRoute] = {}
"""By router and place; each keeps its router alive, so that no id is given twice."""


@dataclass
class RunningServer:
    """A `deepmed serve` that answers."""

    process: "subprocess.Popen[bytes] | Forked"
    port: int
    push_port: int
    log: Path
    started_in: float = field(default=0.0)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON body; refusals are answers too."""
        request = urllib.request.Request(self.address + path, headers=headers)  # noqa: S310 - ours
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - ours
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")


@contextmanager
def running_server(
    home: Path, *options: str, cold: bool = False, load: Sequence[str] = (), **variables: str
) -> Iterator[RunningServer]:
    """`deepmed serve` on free ports, ended as Ctrl-C would; `variables` are its environment.

    It and its children are forked from one that has loaded the program, and `load` besides; a
    `cold` one is the real command, as are its children.
    """
    port, push_port = free_ports(2)
    command = ["serve", "--port", str(port), "--ws-port", str(push_port), *options]
    log = home.parent / f"serve-{port}.log"
    environment = os.environ | PROMPT | {"DEEPMED_HOME": str(home), **variables}
    begun = time.perf_counter()
    process: subprocess.Popen[bytes] | Forked
    with log.open("wb") as out:
        if cold:
            command = [sys.executable, "-m", "deepmed.cli", *command]
            process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        else:
            files = (STDIN, out.fileno(), out.fileno())
            process = Forked(
                launcher(), command, files=files, environment=environment, load=load, forks=True
            )
    server = RunningServer(process, port, push_port, log)
    try:
        _wait(server)
        server.started_in = time.perf_counter() - begun
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait(server: RunningServer) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"deepmed serve does not answer: {server.logged()}")
        try:
            if server.get("/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, on both families."""
    with_sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in with_sockets]
    for listener in with_sockets:
        with closing(listener):
            pass
    return ports


def exchange(port: int, request: bytes, *, host: str = "127.0.0.1", as_user: int = 0) -> bytes:
    """What a server answers to these bytes: all of it, or the head where a WebSocket opens.

    A process of its own sends them, as another user where one is named: only root can do that.
    """
    program = (
        "import os, socket, sys\n"
        "host, port, user = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])\n"
        "if user: os.setgroups([]); os.setgid(user); os.setuid(user)\n"
        "s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)\n"
        "s.settimeout(10); s.connect((host, port)); s.sendall(sys.stdin.buffer.read())\n"
        "answer = b''\n"
        "while (data := s.recv(65536)):\n"
        "    answer += data\n"
        "    if answer.startswith(b'HTTP/1.1 101') and b'\\r\\n\\r\\n' in answer: break\n"
        "sys.stdout.buffer.write(answer)\n"
    )
    command = [sys.executable, "-S", "-c", program, host, str(port), str(as_user)]
    done = subprocess.run(command, input=request, capture_output=True, timeout=60, check=True)
    return done.stdout


def handshake(port: int, path: str = "/api/v1/ws", **headers: str) -> bytes:
    """A request to open a WebSocket."""
    given = {
        "Host": f"localhost:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode()
