"""Jobs in child processes: how they are started, kept, stopped and survived."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from deepmed.core.home import Home
from deepmed.core.jobs import crew
from deepmed.core.jobs.children import WarmChild
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.tables import JobState
from deepmed.kit.settings import Settings
from factories import jobs
from factories.jobs import QUICK, ended, gone, marked_pid, until, working
from factories.launching import fork_children


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children as they are once they run; the other tests prove how they come about."""
    fork_children(monkeypatch)


@pytest.mark.req("P-6.2")
def test_a_job_of_isolation_process_runs_in_a_child_and_an_inline_one_here(
    ledger: JobLedger, settings: Settings
) -> None:
    apart = ledger.submit("test.steps", {"count": 1})
    here = ledger.submit("test.hold", {})
    (settings.home / "go").touch()
    with working(settings):
        pid = (ended(ledger.database, apart.id).result or {})["pid"]
        assert pid != os.getpid()
        assert (ended(ledger.database, here.id).result or {})["pid"] == os.getpid()


@pytest.mark.parametrize(("given", "expected"), [(None, 15), (3, 3)])
def test_a_child_stands_back_behind_the_server_and_so_do_its_threads(
    ledger: JobLedger, settings: Settings, given: int | None, expected: int
) -> None:
    job = ledger.submit("test.child", {})
    default = Settings.model_fields["job_niceness"].default
    niceness = default if given is None else given
    with working(settings.model_copy(update={"job_niceness": niceness})):
        pid = marked_pid(settings.home, job.id)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        threads = [thread.id for thread in psutil.Process(pid).threads()]
        session = Path(f"/proc/{pid}/autogroup")
        shared_out = session.read_text(encoding="ascii").split() if session.exists() else []
        (settings.home / "go").touch()
        assert len(threads) > 1
        assert {os.getpriority(os.PRIO_PROCESS, each) for each in threads} == {max(expected, own)}
        assert shared_out[1:] in ([], ["nice", str(max(expected, own))])


@pytest.mark.req("P-6.2")
def test_a_warm_child_takes_the_owners_next_job_and_only_its_owners(
    ledger: JobLedger, settings: Settings, other_owner_id: int
) -> None:
    others = JobLedger(ledger.database, other_owner_id, ledger.kinds)
    with working(settings, concurrency=1):
        pids = []
        for submitter in (ledger, ledger, others):
            job = submitter.submit("test.steps", {"count": 1})
            pids.append((ended(ledger.database, job.id).result or {})["pid"])
    assert pids[0] == pids[1] != pids[2]


@pytest.mark.req("P-6.2")
def test_all_children_are_started_by_one_thread_that_lives_as_long_as_the_worker(
    ledger: JobLedger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a parent's death kills its children, it is the thread's death that does."""
    starters = []

    class Noted(WarmChild):
        def __init__(self, *arguments: Any) -> None:
            starters.append(threading.current_thread())
            super().__init__(*arguments)

    monkeypatch.setattr(crew, "WarmChild", Noted)
    with working(settings, concurrency=2):
        for job in [ledger.submit("test.steps", {"count": 1, "seconds": 0.5}) for _ in range(2)]:
            ended(ledger.database, job.id)
        assert len(starters) == 2
        assert len(set(starters)) == 1
        assert starters[0].is_alive()
        assert starters[0].name == "jobs"


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.2")
def test_an_idle_child_is_let_go(ledger: JobLedger, settings: Settings) -> None:
    job = ledger.submit("test.steps", {"count": 1})
    pace = Pace(lease=2.0, heartbeat=0.2, poll=0.05, grace=1.0, idle=0.3)
    with working(settings, pace=pace):
        pid = (ended(ledger.database, job.id).result or {})["pid"]
        until(lambda: gone(pid), 5)


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.3")
def test_a_killed_child_is_replaced_and_the_job_goes_on_from_its_checkpoint(
    ledger: JobLedger, settings: Settings
) -> None:
    job = ledger.submit("test.steps", {"count": 20, "seconds": 0.05})
    with working(settings):
        pid = marked_pid(settings.home, job.id)
        until(lambda: jobs.job_of(ledger.database, job.id).completed >= 1)
        os.kill(pid, signal.SIGKILL)
        done = ended(ledger.database, job.id)
    assert done.state == JobState.SUCCEEDED
    assert (done.result or {})["attempt"] == 2
    assert (done.result or {})["begun_at"] >= 1
    assert jobs.traces(ledger.database) == {job.id: 1}
    assert jobs.is_gapless(ledger.database, job.id)
    kinds = jobs.kinds_of_events(ledger.database, job.id)
    assert [kind for kind in kinds if kind != "progress"] == [
        "queued",
        "started",
        "retrying",
        "started",
        "succeeded",
    ]


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.3")
def test_a_child_that_always_dies_fails_the_job_after_its_attempts(
    ledger: JobLedger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepmed.core.jobs.endings.pause_after", lambda _: 0.0)
    job = ledger.submit("test.die", {})
    with working(settings):
        done = ended(ledger.database, job.id)
    assert done.state == JobState.FAILED
    assert done.attempt == 3
    assert "SIGKILL" in (done.error or {})["message"]


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.1")
def test_what_a_job_leaves_in_its_folder_goes_with_its_end(
    ledger: JobLedger, settings: Settings
) -> None:
    job = ledger.submit("test.steps", {"count": 3})
    with working(settings):
        ended(ledger.database, job.id)
        until(lambda: not (settings.home / "jobs" / job.uid).exists())


@pytest.mark.req("P-6.2")
def test_a_child_ends_when_its_pipe_does_even_in_the_middle_of_work(
    ledger: JobLedger, opened: Home, settings: Settings
) -> None:
    job = ledger.submit("test.stubborn", {})
    _, run = jobs.claimed(opened.database)
    with start_child(job.id) as child:
        assert child.stdin is not None
        child.stdin.write(order(run))
        child.stdin.flush()
        assert marked_pid(settings.home, job.id) == child.pid
        child.stdin.close()
        assert child.wait(5) == 3


@pytest.mark.req("P-6.2")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_child_dies_with_its_parent_even_when_the_pipe_stays_open(
    ledger: JobLedger, opened: Home, settings: Settings
) -> None:
    """Somebody else holds the pipe's other end, so its end cannot be what kills the child."""
    job = ledger.submit("test.stubborn", {})
    _, run = jobs.claimed(opened.database)
    reading, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(job.id)], stdin=reading, stdout=subprocess.DEVNULL
    )
    os.write(writing, order(run))
    pid = marked_pid(settings.home, job.id)
    parent.kill()
    parent.wait()
    until(lambda: gone(pid), 5)
    os.close(writing)
    os.close(reading)


def test_a_child_whose_parent_is_gone_already_does_nothing() -> None:
    with start_child(1, parent=1) as child:
        assert child.wait(20) == 3


PARENT = """
import os, subprocess, sys
subprocess.Popen(
    [sys.executable, "-m", "deepmed.cli", "job", "run", sys.argv[1], "--child-of", str(os.getpid())]
).wait()
"""


def order(run: Run) -> bytes:
    """What a supervisor writes to its child."""
    return json.dumps(vars(run)).encode() + b"\n"


def start_child(job_id: int, parent: int | None = None) -> subprocess.Popen[bytes]:
    of = str(parent or os.getpid())
    return subprocess.Popen(
        [sys.executable, "-m", "deepmed.cli", "job", "run", str(job_id), "--child-of", of],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.3")
def test_a_busy_child_that_ignores_sigterm_is_cancelled_within_ten_seconds(
    ledger: JobLedger, settings: Settings
) -> None:
    job = ledger.submit("test.stubborn", {})
    with working(settings, pace=Pace()):
        pid = marked_pid(settings.home, job.id)
        asked = time.monotonic()
        assert ledger.cancel(job.id).state == JobState.RUNNING
        assert ended(ledger.database, job.id).state == JobState.CANCELLED
        assert time.monotonic() - asked < 10
        assert gone(pid)
    assert jobs.kinds_of_events(ledger.database, job.id)[-2:] == ["cancel_requested", "cancelled"]


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.3")
def test_a_child_that_asks_stops_by_itself(ledger: JobLedger, settings: Settings) -> None:
    job = ledger.submit("test.child", {})
    patient = Pace(lease=5.0, heartbeat=0.2, poll=0.05, grace=60.0)
    with working(settings, pace=patient):
        marked_pid(settings.home, job.id)
        ledger.cancel(job.id)
        assert ended(ledger.database, job.id, seconds=10).state == JobState.CANCELLED
    assert jobs.traces(ledger.database) == {}


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.3")
def test_what_a_child_has_started_ends_with_it(ledger: JobLedger, settings: Settings) -> None:
    job = ledger.submit("test.family", {})
    with working(settings):
        grandchild = marked_pid(settings.home, job.id)
        ledger.cancel(job.id)
        ended(ledger.database, job.id)
        until(lambda: gone(grandchild), 5)


@pytest.mark.usefixtures("forked")
@pytest.mark.req("P-6.1")
def test_a_cancelled_job_goes_on_from_its_checkpoint_when_it_is_retried(
    ledger: JobLedger, settings: Settings
) -> None:
    job = ledger.submit("test.steps", {"count": 60, "seconds": 0.05})
    with working(settings):
        until((settings.home / "jobs" / job.uid / "done").exists)
        ledger.cancel(job.id)
        assert ended(ledger.database, job.id).state == JobState.CANCELLED
        ledger.retry(job.id)
        done = ended(ledger.database, job.id)
    assert (done.result or {})["begun_at"] >= 1
    assert (done.result or {})["attempt"] == 1


def test_the_pace_of_tests_keeps_the_proportions_of_the_real_one() -> None:
    real = Pace()
    assert QUICK.heartbeat * 3 < QUICK.lease
    assert real.heartbeat * 3 < real.lease
