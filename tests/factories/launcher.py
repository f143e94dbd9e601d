"""Starts `deepmed` processes by forking one that has loaded the program: started by its file.

    python launcher.py SOCKET RUN

Loading the program takes longer than what most tests let such a process do. A forked one has its
own arguments, environment, folder, files and id, runs the very entry point of the `deepmed` script,
and is killed like any other. Whoever connects to SOCKET sends one request with the three standard
files and is told the process's id, and its exit code once it has ended. All end when process RUN,
the test run, is gone.
"""

import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from deepmed.core.jobs import children
from factories import launching

LOOK_SECONDS = 1.0
LOADED_BEFOREHAND = (
    "deepmed.app.serving",
    "deepmed.cli.entry",
    "deepmed.cli.jobs",
    "deepmed.cli.serve",
    "deepmed.cli.worker",
    "deepmed.core.jobs.execution",
    "deepmed.kit.database.steps",
    "typer.main",
    "websockets",
)


class Launcher:
    def __init__(self, address: Path, run: int) -> None:
        self._run = run
        self._running: dict[int, socket.socket] = {}
        self._ended, wake = socket.socketpair()
        for one in (self._ended, wake):
            one.setblocking(False)
        self._wake = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno())
        self._listener = socket.socket(socket.AF_UNIX)
        address.unlink(missing_ok=True)
        self._listener.bind(str(address))
        self._listener.listen(64)

    def serve(self) -> None:
        waiting = selectors.DefaultSelector()
        waiting.register(self._listener, selectors.EVENT_READ)
        waiting.register(self._ended, selectors.EVENT_READ)
        while _alive(self._run):
            for key, _ in waiting.select(LOOK_SECONDS):
                if key.fileobj is self._listener:
                    self._start(self._listener.accept()[0])
                else:
                    self._ended.recv(4096)
            self._bury()
        for child in self._running:
            os.kill(child, signal.SIGKILL)

    def _start(self, client: socket.socket) -> None:
        if (received := _received(client)) is None:
            client.close()  # somebody looked whether we are there
            return
        request, files = received
        for name in request["load"]:
            _load(name)
        gc.freeze()  # what is shared stays shared
        child = os.fork()
        if not child:
            for one in (client, self._listener, self._ended, *self._running.values()):
                one.close()
            _become(request, files)
        for one in files:
            os.close(one)
        self._running[child] = client
        client.sendall(f"{child}\n".encode())

    def _bury(self) -> None:
        for child in list(self._running):
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                with self._running.pop(child) as client:
                    _tell(client, os.waitstatus_to_exitcode(status))


def _load(name: str) -> None:
    """What cannot be loaded is told; the process that needs it will fail, and no other."""
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - the edge of what serves all workers of a run
        traceback.print_exc()


def _received(client: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    data, files, _, _ = socket.recv_fds(client, 1 << 16, 3)
    if not data:
        return None
    while not data.endswith(b"\n"):
        data += client.recv(1 << 16)
    return json.loads(data), files


def _tell(client: socket.socket, code: int) -> None:
    try:
        client.sendall(f"{code}\n".encode())
    except OSError:
        return  # whoever asked for it has ended before it


def _become(request: dict[str, Any], files: list[int]) -> NoReturn:
    code = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        _forget_ours(request)
        if launching.PLANTING in os.environ:
            _plant_few(json.loads(os.environ[launching.PLANTING]))
        if request["forks"]:
            children.subprocess = launching.forking(Path(request["forks"]))
        code = _code_of_run(request["program"])
    except BaseException:  # noqa: BLE001 - as the interpreter itself would end it
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without taking the libraries down one by one, which takes half a second


def _forget_ours(request: dict[str, Any]) -> None:
    """Take on what a process has that was started by its command."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if request["session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    given = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:0] = [each for each in given if each not in sys.path]
    importlib.invalidate_caches()
    words = request["arguments"]
    if "--child-of" in words:  # whom it watches, as its parent
        words[words.index("--child-of") + 1] = str(os.getppid())
    sys.argv = ["deepmed", *words]


def _plant_few(planting: dict[str, int]) -> None:
    import pytest

    from factories.planting import plant_few

    plant_few(pytest.MonkeyPatch(), planting)


def _code_of_run(program: str) -> int:
    try:
        importlib.import_module(program).run()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    return 1


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def main(address: Path, run: int) -> None:
    """Return at once; a child of nobody, outside the terminal's reach, does the rest."""
    if os.fork():
        return
    os.setsid()
    for name in LOADED_BEFOREHAND:
        importlib.import_module(name)
    from deepmed.app import server
    from deepmed.app.kinds import job_kinds
    from deepmed.migrations.models import metadata

    metadata()
    job_kinds()
    server._routes()
    try:
        Launcher(address, run).serve()
    finally:
        shutil.rmtree(address.parent, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
