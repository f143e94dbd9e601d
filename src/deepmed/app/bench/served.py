"""A real `deepmed serve` in a process of its own, for as long as something is measured."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deepmed.kit.errors import ResourceError

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    client: httpx.Client
    process: subprocess.Popen[bytes]
    started_in: float
    """Seconds from the start of the process to its first answer at /health."""


@contextmanager
def served(home: Path, *options: str, **variables: str) -> Iterator[Served]:
    """Serve a data folder on free ports; the server is ended with the block."""
    port, push = _free_ports()
    command = [sys.executable, "-m", "deepmed.cli", "serve", "--port", str(port)]
    environment = os.environ | {"DEEPMED_HOME": str(home), **variables}
    begun = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [*command, "--ws-port", str(push), *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = httpx.Client(base_url=f"http://localhost:{port}", timeout=60, trust_env=False)
    try:
        yield Served(client, process, _answered(client, process, begun))
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=30)


def _answered(client: httpx.Client, process: subprocess.Popen[bytes], begun: float) -> float:
    while (passed := time.perf_counter() - begun) < PATIENCE_SECONDS:
        if process.poll() is not None:
            raise ResourceError("The server ended before it answered; start it by hand to see why.")
        try:
            client.get("/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.01)
        else:
            return time.perf_counter() - begun
    raise ResourceError(f"The server did not answer within {passed:.0f} s.")


def _free_ports() -> tuple[int, int]:
    with closing(socket.socket()) as one, closing(socket.socket()) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
