"""A worker in this process with inline jobs; its children are in tests/integration/jobs."""

import time
from typing import Any

import pytest

from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.kinds import JobKind, queue_limits
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.core.jobs.tables import JobState
from deepmed.kit.errors import ConfigurationError, ResourceError
from factories.job_kinds import BY_NAME
from factories.jobs import ended, job_of, marked_pid, until, working

SUM = {"first": 1, "second": 1}


def running(ledger: JobLedger) -> int:
    with ledger.database.read() as session:
        return len(ledger.list(session, state="running"))


@pytest.mark.req("P-6.3")
def test_a_worker_runs_so_many_of_each_queue_at_once(ledger: JobLedger, opened: Home) -> None:
    ids = [ledger.submit("test.hold", {}).id for _ in range(5)]
    with working(opened.settings, queues={"default": 2}):
        until(lambda: running(ledger) == 2)
        time.sleep(0.3)
        assert running(ledger) == 2
        (opened.settings.home / "go").touch()
        for job_id in ids:
            ended(ledger.database, job_id)


@pytest.mark.req("P-6.3")
def test_a_full_queue_does_not_hold_up_another(ledger: JobLedger, opened: Home) -> None:
    for _ in range(3):
        ledger.submit("test.hold", {})
    alone = ledger.submit("test.hold_alone", {})
    with working(opened.settings, concurrency=1):
        until(lambda: job_of(ledger.database, alone.id).state == JobState.RUNNING)
        assert running(ledger) == 2


def test_the_settings_say_how_many_at_once_and_how_long_a_child_is_kept(opened: Home) -> None:
    with working(opened.settings, pace=None) as worker:
        assert worker.queues == dict.fromkeys(("default", "alone", "children"), 2)
        assert worker.pace.idle == opened.settings.job_idle_seconds


@pytest.mark.req("P-6.3")
def test_an_inline_job_is_asked_to_stop_and_cancelled(ledger: JobLedger, opened: Home) -> None:
    job = ledger.submit("test.hold", {})
    with working(opened.settings):
        marked_pid(opened.settings.home, job.id)
        begun = time.monotonic()
        ledger.cancel(job.id)
        assert ended(ledger.database, job.id).state == JobState.CANCELLED
        assert time.monotonic() - begun < 10
    assert (opened.settings.home / "jobs" / job.uid).exists(), "it may be retried"


def test_waking_a_worker_makes_it_look_at_once(ledger: JobLedger, opened: Home) -> None:
    slow = Pace(poll=20.0)
    with working(opened.settings, pace=slow) as worker:
        time.sleep(0.2)
        job = ledger.submit("test.add", SUM)
        worker.wake()
        ended(ledger.database, job.id, seconds=5)


def test_a_worker_outlasts_a_ledger_that_is_away(
    ledger: JobLedger, opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, troubles = repository.waiting, iter([ResourceError(), KeyError()])

    def away(*arguments: Any) -> set[str]:
        if (error := next(troubles, None)) is not None:
            raise error
        return waiting(*arguments)

    monkeypatch.setattr(repository, "waiting", away)
    job = ledger.submit("test.add", SUM)
    with working(opened.settings):
        ended(ledger.database, job.id)


@pytest.mark.req("P-6.3")
def test_a_run_that_another_worker_has_taken_is_stopped_and_changes_nothing(
    ledger: JobLedger, opened: Home
) -> None:
    job = ledger.submit("test.hold", {})
    with working(opened.settings) as worker:
        marked_pid(opened.settings.home, job.id)
        with opened.database.write() as session:
            repository.row(session, job.id).token = "f" * 32
        until(lambda: worker.ended == 1)
    now = job_of(opened.database, job.id)
    assert (now.state, now.token) == (JobState.RUNNING, "f" * 32)


def test_what_ended_elsewhere_leaves_no_folder_here(ledger: JobLedger, opened: Home) -> None:
    kept = ledger.submit("test.child", {})
    left = ledger.submit("test.child", {})
    with opened.database.write() as session:
        endings.succeed(session, left.id, {})
    for job in (kept, left):
        (opened.settings.home / "jobs" / job.uid).mkdir(parents=True)
    with working(opened.settings, queues={"default": 1}):
        until(lambda: not (opened.settings.home / "jobs" / left.uid).exists())
    assert (opened.settings.home / "jobs" / kept.uid).exists()


def test_a_data_folder_that_cannot_be_opened_is_told_at_the_start() -> None:
    def refuse() -> Home:
        raise ConfigurationError

    with pytest.raises(ConfigurationError):
        Supervisor(refuse, BY_NAME).start()


def test_a_worker_that_never_started_can_be_stopped(opened: Home) -> None:
    Supervisor(lambda: opened, BY_NAME).stop()


def test_the_least_of_a_queues_limits_counts() -> None:
    def kind(queue: str, at_once: int | None) -> JobKind:
        return JobKind(**{**vars(BY_NAME["test.hold"]), "queue": queue, "at_once": at_once})

    kinds = [kind("a", None), kind("a", 3), kind("a", 2), kind("b", None)]
    assert queue_limits(kinds) == {"a": 2, "b": None}
