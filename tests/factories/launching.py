"""`deepmed` as processes of their own that are there at once; see launcher.py.

For tests of what such a process does. How it comes into being, and how children of workers do, is
proved with real commands, in test_starting.py, test_children.py and test_workers.py.
"""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from deepmed.core.jobs import children

LAUNCHER = Path(__file__).with_name("launcher.py")
TESTS = LAUNCHER.parents[1]
START_SECONDS = 120.0
LEARNING = ("torch._dynamo", "sklearn.neighbors", "scipy.stats")
"""What a training asks for: the first for every optimiser.

Nothing that a test registers is loaded before a process is forked: every later one would have it.
"""
PLANTING = "PLANTING"
"""Of a process's environment, and so of its children's: how little their trainings plant."""
XRAYS = (
    *("lightning", "monai.transforms", "omegaconf.grammar_parser", "safetensors.torch"),
    *("sklearn.metrics", "scipy.stats", "deepmed.features.xray.runs.trainer"),
    *("deepmed.learning.classification.trainer", "deepmed.learning.imaging.module"),
    *("deepmed.learning.imaging.transforms", "deepmed.learning.imaging.pixel_cache"),
    *("deepmed.learning.evaluation.binary", "deepmed.learning.novelty"),
    *("deepmed.learning.class_activation",),
)
"""What a training on X-rays asks for."""


def planting(most: Mapping[str, int]) -> dict[str, str]:
    """Variables under which trainings do as `plant_few` says."""
    return {PLANTING: json.dumps(dict(most))}


class Forked:
    """A process of the launcher, used as one of `subprocess` is."""

    def __init__(
        self,
        launcher: Path,
        arguments: Sequence[str],
        *,
        files: Sequence[int],
        environment: Mapping[str, str] | None = None,
        session: bool = False,
        load: Sequence[str] = (),
        forks: bool = False,
        program: str = "deepmed.cli",
    ) -> None:
        """The three standard files, and what is loaded first; `forks` is of its own children.

        The program is a module with a function `run`.
        """
        self.args = ["deepmed", *arguments]
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(launcher))
        request = {
            "arguments": list(arguments),
            "environment": dict(os.environ if environment is None else environment),
            "folder": str(Path.cwd()),
            "session": session,
            "load": list(load),
            "program": program,
            "forks": str(launcher) if forks else "",
        }
        self._send(json.dumps(request).encode() + b"\n", files)
        self.pid = int(self._line())

    def poll(self) -> int | None:
        return self._code(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._code(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _send(self, data: bytes, files: Sequence[int]) -> None:
        sent = socket.send_fds(self._connection, [data], list(files))
        self._connection.sendall(data[sent:])

    def _code(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], seconds)[0]:
            self.returncode = int(self._line() or -signal.SIGKILL)
            self._connection.close()
        return self.returncode

    def _line(self) -> bytes:
        data = b""
        while not data.endswith(b"\n") and (more := self._connection.recv(1)):
            data += more
        return data


class Command:
    """A command of `deepmed`, or another program, that runs to its end beside the test."""

    def __init__(
        self,
        *arguments: str,
        given: str = "",
        load: Sequence[str] = (),
        program: str = "deepmed.cli",
        **variables: str,
    ) -> None:
        """What it is `given` is its standard input; `variables` are added to its environment."""
        self._files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115 - till its end
        self._files[0].write(given.encode())
        self._files[0].seek(0)
        self._process = Forked(
            launcher(),
            arguments,
            files=[one.fileno() for one in self._files],
            environment=os.environ | variables,
            load=load,
            program=program,
        )

    def ended(self, seconds: float = 120.0) -> "subprocess.CompletedProcess[str]":
        """Wait for its end; it is killed where that does not come."""
        try:
            code = self._process.wait(seconds)
        finally:
            self._process.kill()
        for one in self._files:
            one.seek(0)
        _, out, err = (one.read().decode() for one in self._files)
        for one in self._files:
            one.close()
        return subprocess.CompletedProcess(self._process.args, code, out, err)


def forking(launcher: Path, load: Sequence[str] = ()) -> Any:
    """What workers use of `subprocess`, so that their children come from the launcher too."""

    def start(command: list[str], *, env: dict[str, str], **_given: Any) -> Forked:
        ours, theirs = os.pipe(), os.pipe()
        arguments, files = command[command.index("deepmed.cli") + 1 :], (ours[0], theirs[1], 2)
        made = Forked(launcher, arguments, files=files, environment=env, session=True, load=load)
        for one in (ours[0], theirs[1]):
            os.close(one)
        made.stdin, made.stdout = os.fdopen(ours[1], "wb"), os.fdopen(theirs[0], "rb")
        return made

    parts = {name: getattr(subprocess, name) for name in ("PIPE", "TimeoutExpired")}
    return SimpleNamespace(Popen=start, **parts)


def fork_children(patch: Any, load: Sequence[str] = ()) -> None:
    """Let the children of workers in this process come from the launcher."""
    patch.setattr(children, "subprocess", forking(launcher(), load))


@cache
def launcher() -> Path:
    """Where the run's launcher listens: who needs it first starts it, for all its workers."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"deepmed-launcher-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    address = folder / "socket"
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _answers(address):
            _start(address, run)
    return address


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(str(address)) == 0


def _start(address: Path, run: int) -> None:
    known = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, known))}
    log = address.with_name("log")
    with log.open("wb") as told:
        command = [sys.executable, str(LAUNCHER), str(address), str(run)]
        subprocess.run(command, check=True, stdout=told, stderr=told, env=environment)
    limit = time.monotonic() + START_SECONDS
    while not _answers(address):
        assert time.monotonic() < limit, log.read_text(encoding="utf-8")
        time.sleep(0.05)
