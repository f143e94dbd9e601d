"""Workers as processes of their own: killed, frozen and stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import JobState
from deepmed.kit.settings import Settings
from factories import jobs
from factories.jobs import ended, gone, job_of, marked_pid, until, working
from factories.launching import Forked, fork_children, launcher
from factories.servers import STDIN

Worker = subprocess.Popen[bytes] | Forked


@pytest.fixture
def start_worker(home: Path, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """`deepmed worker` with these options, in a process of its own.

    A `real` one and its children are commands; others are forked from what has loaded the program.
    """
    started: list[Worker] = []

    def begin(*options: str, real: bool = False) -> Worker:
        log = (tmp_path / f"worker-{len(started)}.log").open("wb")
        start = real_worker if real else forked_worker
        with log:
            worker = start(["worker", *options], log)
        started.append(worker)
        return worker

    yield begin
    for worker in started:
        if worker.poll() is None:
            worker.kill()
        worker.wait()


def real_worker(command: list[str], log: IO[bytes]) -> Worker:
    return subprocess.Popen(
        [sys.executable, "-m", "deepmed.cli", *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def forked_worker(command: list[str], log: IO[bytes]) -> Worker:
    return Forked(launcher(), command, files=(STDIN, log.fileno(), log.fileno()), forks=True)


@pytest.fixture
def forked_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the worker in this process too."""
    fork_children(monkeypatch)


@pytest.mark.req("P-6.3")
def test_a_killed_workers_child_dies_and_another_worker_completes_the_job_once(
    ledger: JobLedger, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    job = ledger.submit("test.steps", {"count": 60, "seconds": 0.05})
    worker = start_worker(real=True)
    child = marked_pid(settings.home, job.id)
    until(lambda: job_of(ledger.database, job.id).completed >= 1)
    worker.kill()
    until(lambda: gone(child), 3)
    killed_at = time.monotonic()
    with working(settings):
        assert marked_pid(settings.home, job.id, attempt=2) != child
        assert time.monotonic() - killed_at < 20
        done = ended(ledger.database, job.id)
    assert done.state == JobState.SUCCEEDED
    assert (done.result or {})["begun_at"] >= 1
    assert jobs.traces(ledger.database) == {job.id: 1}
    assert jobs.kinds_of_events(ledger.database, job.id).count("succeeded") == 1
    assert jobs.is_gapless(ledger.database, job.id)


@pytest.mark.usefixtures("forked_children")
@pytest.mark.req("P-6.3")
def test_worker_and_child_killed_together_lose_nothing(
    ledger: JobLedger, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    job = ledger.submit("test.child", {})
    waiting = ledger.submit("test.add", {"first": 1, "second": 2})
    worker = start_worker("--queue", "children")
    child = marked_pid(settings.home, job.id)
    os.kill(child, signal.SIGKILL)
    worker.kill()
    jobs.expire(ledger.database, job.id)
    (settings.home / "go").touch()
    with working(settings):
        assert ended(ledger.database, job.id).state == JobState.SUCCEEDED
        assert ended(ledger.database, waiting.id).state == JobState.SUCCEEDED
    assert jobs.traces(ledger.database) == {job.id: 1, waiting.id: 1}


@pytest.mark.usefixtures("forked_children")
@pytest.mark.req("P-6.3")
def test_a_job_whose_worker_is_dead_can_be_cancelled(
    ledger: JobLedger, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    job = ledger.submit("test.child", {})
    worker = start_worker()
    marked_pid(settings.home, job.id)
    worker.kill()
    worker.wait()
    assert ledger.cancel(job.id).state == JobState.RUNNING, "its worker may yet be alive"
    jobs.expire(ledger.database, job.id)
    with working(settings):
        assert ended(ledger.database, job.id).state == JobState.CANCELLED


@pytest.mark.usefixtures("forked_children")
@pytest.mark.req("P-6.3")
def test_a_frozen_worker_that_wakes_up_completes_nothing(
    ledger: JobLedger, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    """Its child was frozen too: a zombie that goes on as if it still had the job."""
    job = ledger.submit("test.child", {})
    worker = start_worker()
    child = marked_pid(settings.home, job.id)
    for pid in (worker.pid, child):
        os.kill(pid, signal.SIGSTOP)
    jobs.expire(ledger.database, job.id)
    with working(settings):
        marked_pid(settings.home, job.id, attempt=2)
        (settings.home / "go").touch()
        os.kill(child, signal.SIGCONT)
        done = ended(ledger.database, job.id)
    os.kill(worker.pid, signal.SIGCONT)
    assert (done.result or {})["attempt"] == 2
    assert jobs.traces(ledger.database) == {job.id: 1}
    assert jobs.kinds_of_events(ledger.database, job.id).count("succeeded") == 1


@pytest.mark.usefixtures("forked_children")
@pytest.mark.req("P-6.1")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_stopped_worker_gives_its_jobs_back_without_losing_an_attempt(
    name: str, ledger: JobLedger, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    apart, here = ledger.submit("test.child", {}), ledger.submit("test.hold", {})
    worker = start_worker()
    child = marked_pid(settings.home, apart.id)
    marked_pid(settings.home, here.id)
    worker.send_signal(getattr(signal, name))
    assert worker.wait(10) == 0
    assert gone(child)
    for job_id in (apart.id, here.id):
        job = job_of(ledger.database, job_id)
        assert (job.state, job.attempt, job.token) == (JobState.QUEUED, 0, None)
        assert jobs.is_gapless(ledger.database, job_id)
    (settings.home / "go").touch()
    with working(settings):
        assert (ended(ledger.database, apart.id).result or {})["attempt"] == 1


@pytest.mark.req("P-6.1")
def test_a_stubborn_child_does_not_keep_a_stopped_worker(
    ledger: JobLedger, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    job = ledger.submit("test.stubborn", {})
    worker = start_worker()
    child = marked_pid(settings.home, job.id)
    worker.terminate()
    assert worker.wait(10) == 0
    assert gone(child)
    assert job_of(ledger.database, job.id).state == JobState.QUEUED


def test_once_works_off_what_is_there_and_ends(
    ledger: JobLedger, start_worker: Callable[..., Worker]
) -> None:
    several = [ledger.submit("test.add", {"first": n, "second": 1}) for n in range(5)]
    apart = ledger.submit("test.steps", {"count": 2})
    assert start_worker("--once").wait(30) == 0
    states = {job_of(ledger.database, job.id).state for job in (*several, apart)}
    assert states == {"succeeded"}
