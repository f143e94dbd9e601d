"""What it takes to start: the help, a server from cold, its memory, its first answer to work."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from deepmed.app.bench.platform.figures import Figure
from deepmed.app.bench.served import served

MEGABYTE = 1_000_000
IDLE_SECONDS = 5.0
YOUNGEST, OLDEST = 6.0, 9.0


def help_appears(runs: int) -> Figure:
    """`deepmed --help` in a process of its own, from its start to its end."""
    command = [sys.executable, "-m", "deepmed.cli", "--help"]
    return Figure([_seconds(command) for _ in range(runs)], "s", 0.3)


def server_answers(home: Path, runs: int) -> Figure:
    """`deepmed serve` with its worker, from the start of the process to the first /health."""
    return Figure([_started_in(home) for _ in range(runs)], "s", 4.0)


def server_is_small(home: Path) -> Figure:
    """Resident memory of a server with its worker that was asked for nothing but /health."""
    with served(home) as server:
        time.sleep(IDLE_SECONDS)
        resident = psutil.Process(server.process.pid).memory_info().rss
    return Figure([resident / MEGABYTE], "MB", 300.0)


def training_is_accepted(home: Path, runs: int) -> tuple[Figure, Figure]:
    """The first request for a training that a fresh server gets, and the requests after it.

    The data folder holds drawings enough for one; nobody works on what is submitted.
    """
    with served(home, "--no-worker") as server:
        seconds = []
        for _ in range(1 + runs):
            begun = time.perf_counter()
            answer = server.client.post(
                "/api/v1/models/train",
                json={"age_min": YOUNGEST, "age_max": OLDEST, "min_samples": 10},
            )
            seconds.append(time.perf_counter() - begun)
            answer.raise_for_status()
            _cancel_all(server.client)
    return Figure(seconds[:1], "s", 1.0), Figure(seconds[1:], "s", 1.0)


def _cancel_all(client: httpx.Client) -> None:
    for job in client.get("/api/v1/jobs?state=queued").raise_for_status().json()["jobs"]:
        client.post(f"/api/v1/jobs/{job['id']}/cancel").raise_for_status()


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    return time.perf_counter() - begun


def _started_in(home: Path) -> float:
    with served(home) as server:
        return server.started_in
