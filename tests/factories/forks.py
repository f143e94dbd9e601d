"""Processes that begin as a copy of this one: it has loaded the libraries, which takes seconds.

What is forked shares nothing afterwards and can be killed like any other. Threads are not copied,
and a lock that one of them holds stays locked: fork from the main thread, or by a `Nursery`.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import IO, Any, NoReturn

import pytest

from deepmed.core.jobs import children
from deepmed.kit import settings as kit_settings

_LARGEST = 1 << 20


def begin(work: Callable[[], object]) -> int:
    """Do the work in a child; its process. It ends with 0, or with 1 where an error was raised."""
    child = os.fork()
    return child or _end(work)


def ended(child: int) -> int:
    """How a child ended: its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end(work: Callable[[], object]) -> NoReturn:
    """Without taking down the loaded libraries one by one, and without going on as the parent."""
    gc.freeze()  # what is shared stays shared
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # the others stayed behind
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the edge of a process
        traceback.print_exc()
        os._exit(1)


class Nursery:
    """A process without threads that forks what a supervisor starts from a thread of its own."""

    def __init__(self) -> None:
        self.started: list[Forked] = []
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = begin(partial(_serve, theirs, self._line))
        theirs.close()

    def close(self) -> None:
        """End it, and whoever of its children is still there."""
        self._line.close()
        for one in self.started:
            one.kill()
        ended(self._process)

    def popen(self, command: list[str], env: dict[str, str], **_pipes: Any) -> "Forked":
        stdin, stdin_of_child = os.pipe()[::-1]
        stdout, stdout_of_child = os.pipe()
        status, status_of_child = os.pipe()
        given = (stdin_of_child, stdout_of_child, status_of_child)
        request = {"arguments": command[4:], "env": env, "parent": os.getpid()}
        socket.send_fds(self._line, [json.dumps(request).encode()], given)
        for one in given:
            os.close(one)
        pid = int(self._line.recv(_LARGEST))
        made = Forked(pid, os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"), status)
        self.started.append(made)
        return made


class Forked:
    """As much of a `Popen` as is asked of one."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes], status: int) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self._status = status
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, seconds: float | None = None) -> int:
        code = self._look(seconds)
        if code is None:
            raise subprocess.TimeoutExpired("forked", seconds or 0)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _look(self, seconds: float | None) -> int | None:
        if self._code is None and select.select([self._status], [], [], seconds)[0]:
            self._code = int(os.read(self._status, 100))
            os.close(self._status)
        return self._code


def _serve(line: socket.socket, other_end: socket.socket) -> None:
    """A guardian for each request: it says when its child has ended, and how."""
    other_end.close()
    guardians = []
    while True:
        request, given, *_ = socket.recv_fds(line, _LARGEST, 3)
        if not request:
            break
        guardians.append(begin(partial(_guard, line, json.loads(request), *given)))
        for one in given:
            os.close(one)
    for one in guardians:
        ended(one)


def _guard(line: socket.socket, asked: dict[str, Any], *given: int) -> None:
    child = begin(partial(_run, line, asked, *given))
    for one in given[:2]:
        os.close(one)
    line.send(str(child).encode())
    os.write(given[2], str(ended(child)).encode())


def _run(line: socket.socket, asked: dict[str, Any], stdin: int, stdout: int, status: int) -> None:
    from deepmed.cli.entry import main

    os.setsid()
    line.close()
    os.close(status)
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    for one in (stdin, stdout):
        os.close(one)
    os.environ.clear()
    os.environ.update(asked["env"])
    kit_settings.current.cache_clear()
    os.getppid = lambda: asked["parent"]  # which has started it, by way of two others
    os._exit(main(asked["arguments"]))


@contextmanager
def forked_workers() -> Iterator[Nursery]:
    """Supervisors of this process fork their children, instead of starting Python anew."""
    nursery = Nursery()
    names = {name: getattr(subprocess, name) for name in ("PIPE", "TimeoutExpired")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(children, "subprocess", SimpleNamespace(Popen=nursery.popen, **names))
        try:
            yield nursery
        finally:
            nursery.close()
