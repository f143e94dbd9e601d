"""From a request to a job's start, and from a cancellation to its end."""

import time
from datetime import datetime

import httpx

from deepmed.app.bench.platform.figures import Figure
from deepmed.app.bench.platform.kinds import COUNTED
from deepmed.app.bench.platform.own_server import JOBS, job_when, submit
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.tables import JobState
from deepmed.kit import clock
from deepmed.kit.errors import ResourceError

GOLDEN = 0.618
"""Multiples of it fall evenly between 0 and 1, so every moment of the worker's rhythm is met."""


def hand_over(client: httpx.Client, runs: int) -> tuple[Figure, Figure]:
    """Seconds from a request to the answer with the job's id, and to the job's start."""
    accepted, started = [], []
    for number in range(runs):
        time.sleep(Pace().poll * (number * GOLDEN % 1))
        moment, begun = clock.now(), time.perf_counter()
        job_id = submit(client, COUNTED)
        accepted.append(time.perf_counter() - begun)
        job = job_when(client, job_id, "over")
        started.append((datetime.fromisoformat(job["started_at"]) - moment).total_seconds())
    return Figure(accepted, "s", 1.0), Figure(started, "s")


def cancel(client: httpx.Client, kind: str, runs: int) -> Figure:
    """Seconds from the request to cancel a job that is busy in a child until it has ended."""
    return Figure([_cancelled_in(client, kind) for _ in range(runs)], "s", 10.0)


def _cancelled_in(client: httpx.Client, kind: str) -> float:
    job_id = submit(client, kind)
    job_when(client, job_id, "busy")
    begun = time.perf_counter()
    client.post(f"{JOBS}/{job_id}/cancel").raise_for_status()
    job = job_when(client, job_id, "over")
    if job["state"] != JobState.CANCELLED:
        raise ResourceError(f"Job {job_id} was to be cancelled, and it has {job['state']}.")
    return time.perf_counter() - begun
