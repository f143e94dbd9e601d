"""Trainings that run one after the other beside the load, by the product's own jobs and worker."""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Self

import httpx
import psutil
from sqlalchemy import select

from deepmed.core.home import Home
from deepmed.core.jobs.tables import Job, JobEvent, JobState
from deepmed.kit.errors import ResourceError

KIND, EPOCHS = "drawings.train", "epochs"
WANTED: Mapping[str, Any] = {
    "age_min": 6,
    "age_max": 9,
    "min_samples": 10,
    "model_type": "autoencoder",
    "candidate": True,
}
"""A model of the middle third, beside those in use: what the pages show stays the same."""
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
CHILD = "--child-of"


class Trainings:
    """While the block runs there is always a training; another begins where one ends."""

    def __init__(self, address: str, server: int, seed: int) -> None:
        self._client = httpx.Client(base_url=address, timeout=60, trust_env=False)
        self._server, self._seed = psutil.Process(server), seed
        self._over = Event()
        self._thread = Thread(target=self._go_on, name="trainings", daemon=True)
        self.niceness: int | None = None
        """The least of any child that was seen."""
        self.trouble = ""
        self._spent: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        limit = time.monotonic() + PATIENCE_SECONDS
        while not self.trouble and not self._running():
            if time.monotonic() > limit:
                self.trouble = f"No training began within {PATIENCE_SECONDS:.0f} s."
            time.sleep(0.2)
        if self.trouble:
            self.__exit__()
            raise ResourceError(f"{self.trouble} Without one the load says nothing.")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    @property
    def cpu_seconds(self) -> float:
        """Of all children together, as far as they were seen."""
        return sum(self._spent.values())

    def _go_on(self) -> None:
        number = 0
        try:
            while not self._over.is_set():
                given = {**WANTED, "seed": self._seed + number}
                answer = self._client.post("/api/v1/models/train", json=given)
                self._wait_for(answer.raise_for_status().json()["progress_url"])
                number += 1
        except httpx.HTTPError as error:
            self.trouble = f"A training could not be had: {error}"

    def _wait_for(self, progress: str) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look_at_children()
            if self._client.get(progress).raise_for_status().json()["status"] != "training":
                return

    def _running(self) -> bool:
        with suppress(httpx.HTTPError):
            answer = self._client.get("/api/v1/jobs?state=running").raise_for_status()
            return bool(answer.json()["jobs"])
        return False

    def _look_at_children(self) -> None:
        for child in self._server.children():
            with suppress(psutil.Error):
                if CHILD not in child.cmdline():
                    continue
                nice = int(child.nice())
                self.niceness = nice if self.niceness is None else min(nice, self.niceness)
                self._spent[child.pid] = sum(child.cpu_times()[:2])


def ledger_says(home: Home, begun: float, ended: float) -> dict[str, Any]:
    """How many trainings and epochs fell into that time, and for which share of it one ran."""
    first, last = (datetime.fromtimestamp(each, UTC) for each in (begun, ended))
    with home.database.read() as session:
        jobs = session.scalars(select(Job).where(Job.kind == KIND, Job.started_at < last)).all()
        events = session.scalars(
            select(JobEvent).where(
                JobEvent.job_id.in_([job.id for job in jobs]),
                JobEvent.kind == EPOCHS,
                JobEvent.at.between(first, last),
            )
        ).all()
    ends = [job.finished_at or last for job in jobs]
    covered = sum(
        max(0.0, (min(end, last) - max(job.started_at or last, first)).total_seconds())
        for job, end in zip(jobs, ends, strict=True)
    )
    over = [job for job in jobs if job.finished_at is not None and first <= job.finished_at <= last]
    return {
        "share_of_time": covered / (ended - begun),
        "epochs": sum(len(event.data["points"]) for event in events),
        "completed": sum(job.state == JobState.SUCCEEDED.value for job in over),
        "failed": sum(job.state == JobState.FAILED.value for job in over),
        "failures": [job.error for job in over if job.error],
    }
