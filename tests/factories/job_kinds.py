"""Kinds of jobs that tests run, found by child processes as any plug-in's are.

`install` lays an entry point beside this file's folder on the module path, as an installed package
would; nothing in the program knows of it.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from deepmed.core.audit.repository import record
from deepmed.core.home import Home
from deepmed.core.jobs.kinds import Isolation, JobContext, JobKind
from deepmed.kit import errors

TESTS = Path(__file__).parents[1]


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Sum(Nothing):
    first: int
    second: int


class Steps(Nothing):
    count: int
    seconds: float = 0.0


class Failure(Nothing):
    error: str
    times: int = 1000


def add(home: Home, job: JobContext) -> dict[str, Any]:
    """Leaves one line in the audit trail each time it runs to its end."""
    payload = Sum.model_validate(job.payload)
    leave_trace(home, job)
    return {"sum": payload.first + payload.second}


def steps(home: Home, job: JobContext) -> dict[str, Any]:
    """Goes on from its checkpoint, and says in its result where it began."""
    payload = Steps.model_validate(job.payload)
    checkpoint = job.folder / "done"
    begun = int(checkpoint.read_text()) if checkpoint.exists() else 0
    mark(home, job)
    for done in range(begun + 1, payload.count + 1):
        time.sleep(payload.seconds)
        checkpoint.write_text(str(done))
        job.progress(done, payload.count, f"step {done}")
    leave_trace(home, job)
    return {"begun_at": begun, "pid": os.getpid(), "attempt": job.attempt}


def talk(home: Home, job: JobContext) -> dict[str, Any]:
    """Says what it does."""
    job.log("first this")
    job.log("then that")
    leave_trace(home, job)
    return {}


def hold(home: Home, job: JobContext) -> dict[str, Any]:
    """Waits for the file `go`, asking whether to stop."""
    mark(home, job)
    while not (home.settings.home / "go").exists():
        job.raise_if_cancelled()
        time.sleep(0.02)
    leave_trace(home, job)
    return {"attempt": job.attempt, "pid": os.getpid()}


def stubborn(home: Home, job: JobContext) -> dict[str, Any]:
    """Computes without end and hears nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mark(home, job)
    while True:
        sum(range(1000))


def fail(home: Home, job: JobContext) -> dict[str, Any]:
    payload = Failure.model_validate(job.payload)
    if job.attempt <= payload.times:
        found: type[Exception] | None = getattr(errors, payload.error, None)
        raise (found or ValueError)("as it was told to")
    return {"attempt": job.attempt}


def family(home: Home, job: JobContext) -> dict[str, Any]:
    """Starts a process of its own, and waits."""
    started = subprocess.Popen(["sleep", "600"])  # noqa: S607 - wherever the system has it
    mark(home, job, started.pid)
    while True:
        job.raise_if_cancelled()
        time.sleep(0.02)


def die(home: Home, job: JobContext) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def mark(home: Home, job: JobContext, pid: int | None = None) -> None:
    """Tell the test which process runs this attempt."""
    marks = home.settings.home / "marks"
    marks.mkdir(exist_ok=True)
    written = marks / f"{job.job_id}-{job.attempt}.new"
    written.write_text(str(pid or os.getpid()))
    written.rename(written.with_suffix(""))


def leave_trace(home: Home, job: JobContext) -> None:
    with home.database.write() as session:
        record(session, home.owner_id, "worked", "job", job.job_id, attempt=job.attempt)


def _kind(name: str, run: Any, payload: type[BaseModel], where: Isolation, **more: Any) -> JobKind:
    return JobKind(
        name=f"test.{name}",
        run=run,
        payload=payload,
        isolation=where,
        title=lambda _: f"Test {name}",
        **more,
    )


INLINE, PROCESS = Isolation.INLINE, Isolation.PROCESS
KINDS = (
    _kind("add", add, Sum, INLINE),
    _kind("fail", fail, Failure, INLINE),
    _kind("hold", hold, Nothing, INLINE),
    _kind("hold_alone", hold, Nothing, INLINE, queue="alone", at_once=1),
    _kind("child", hold, Nothing, PROCESS, queue="children"),
    _kind("steps", steps, Steps, PROCESS, queue="children"),
    _kind("talk", talk, Nothing, PROCESS, queue="children"),
    _kind("stubborn", stubborn, Nothing, PROCESS, queue="children"),
    _kind("family", family, Nothing, PROCESS, queue="children"),
    _kind("die", die, Nothing, PROCESS, queue="children"),
    _kind("brittle", hold, Nothing, PROCESS, queue="children", attempts=1),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this module a plug-in of this process and its children, for one test."""
    described = folder / "deepmed_test_jobs-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: deepmed-test-jobs\nVersion: 1\n"
    )
    (described / "entry_points.txt").write_text(
        "[deepmed.jobs]\ntests = factories.job_kinds:KINDS\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(TESTS)]))
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
