"""Clients as processes: each is told where its images lie, and connects by gRPC."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any

from deepmed.features.xray.federated.dealt import Holding
from deepmed.features.xray.runs.ranks import listed
from deepmed.kit.files import write_atomically
from deepmed.learning.federated.grid import ClientGrid
from deepmed.learning.federated.serving import GrpcGrid

MOST_STARTS = 3
"""How often a client that ends is started in a run."""
MODULE = "deepmed.features.xray.federated.client"
_GRACE_SECONDS = 5.0


@contextmanager
def client_processes(
    folder: Path,
    shared: Mapping[str, Any],
    holdings: Sequence[Holding],
    check: Callable[[], None],
) -> Iterator[ClientGrid]:
    """A grid of one process a client; all have ended when it is left.

    Args:
        folder: where each client's list of its own images and what it says are kept.
        shared: what every client is told.
        holdings: the images of each.
        check: called while they are waited for; what it raises ends the waiting.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    clients = [
        _Client(folder, number, {**shared, "number": number, **_listed(own)})
        for number, own in enumerate(holdings)
    ]

    def revive(gone: Sequence[int]) -> Sequence[int]:
        for number in gone:
            clients[number].start(grid.address)
        return [number for number, client in enumerate(clients) if client.runs]

    tokens = {client.number: client.token for client in clients}
    try:
        with GrpcGrid(tokens, check=check, revive=revive) as grid:
            yield grid
    finally:
        for client in clients:
            client.end()


class _Client:
    """One client's process, which may be started more than once."""

    def __init__(self, folder: Path, number: int, said: Mapping[str, Any]) -> None:
        self.number = number
        self.token = secrets.token_urlsafe(32)
        self._file = folder / f"client_{number}.json"
        self._log = folder / f"client_{number}.log"
        self._starts = 0
        self._process: Popen[bytes] | None = None
        write_atomically(self._file, json.dumps(said).encode())

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, address: str) -> None:
        """Begin, or begin again; who ended too often stays away."""
        if self.runs or self._starts == MOST_STARTS:
            return
        self._starts += 1
        with self._log.open("ab") as log:
            self._process = Popen(  # noqa: S603 - our own module, with our own file
                [sys.executable, "-P", "-m", MODULE, str(self._file)],
                stdin=PIPE,
                stdout=log,
                stderr=log,
                env=os.environ,
            )
        # By a pipe: an argument or a variable could be read by others on this machine.
        secret = json.dumps({"address": address, "token": self.token}).encode()
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        with self._process.stdin as pipe:
            pipe.write(secret + b"\n")

    def end(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(_GRACE_SECONDS)
        except TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _listed(own: Holding) -> dict[str, Any]:
    return {"train": listed(own.train), "validation": listed(own.validation)}
