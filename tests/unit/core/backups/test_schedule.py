"""Backups by the clock."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from deepmed.app import open_home
from deepmed.app.chores import chores
from deepmed.app.kinds import job_kinds
from deepmed.core.backups import repository, schedule
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pace import Pace
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.core.jobs.tables import Job
from deepmed.kit import clock
from deepmed.kit.errors import ValidationError

KINDS = job_kinds()


def jobs(home: Home) -> list[Job]:
    with home.database.read() as session:
        return list(JobLedger.of(home).list(session, kind=schedule.KIND))


def later(monkeypatch: pytest.MonkeyPatch, passed: timedelta) -> None:
    moment = clock.now() + passed
    monkeypatch.setattr(schedule.clock, "now", lambda: moment)


@pytest.mark.req("D-21.1")
def test_each_is_submitted_once_and_in_time(opened: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert schedule.tick(opened, KINDS) is None, "nobody has set one"
    schedule.set_interval(opened, 6)
    first = schedule.tick(opened, KINDS)
    assert first is not None
    assert schedule.tick(opened, KINDS) is None
    later(monkeypatch, timedelta(hours=5, minutes=59))
    assert schedule.tick(opened, KINDS) is None
    monkeypatch.undo()
    later(monkeypatch, timedelta(hours=30))
    second = schedule.tick(opened, KINDS)
    assert second not in {None, first}
    assert schedule.tick(opened, KINDS) is None, "what was missed is not made up for"
    assert {job.payload["kind"] for job in jobs(opened)} == {"full"}


@pytest.mark.req("D-21.1")
def test_of_many_workers_one_submits_it(opened: Home) -> None:
    schedule.set_interval(opened, 1, include_files=False)
    barrier, found = threading.Barrier(6), []

    def look() -> None:
        barrier.wait()
        found.append(schedule.tick(opened, KINDS))

    workers = [threading.Thread(target=look) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len([number for number in found if number is not None]) == 1
    assert [job.payload["kind"] for job in jobs(opened)] == ["database"]


def test_it_can_be_changed_and_ended(opened: Home) -> None:
    schedule.set_interval(opened, 6)
    schedule.set_interval(opened, 12, include_files=False)
    row = schedule.current(opened)
    assert row is not None
    assert (row.interval_hours, row.include_files) == (12, False)
    assert schedule.set_interval(opened, 0) is None
    assert schedule.current(opened) is None
    for wrong in (-1, schedule.MOST_HOURS + 1):
        with pytest.raises(ValidationError):
            schedule.set_interval(opened, wrong)


def until(condition: Callable[[], bool], seconds: float = 40) -> bool:
    enough = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        enough.wait(0.05)
    return False


@pytest.mark.req("D-21.1")
def test_a_worker_makes_what_is_due_and_forgets_old_ones(
    opened: Home, service: BackupService
) -> None:
    service.folder.root.mkdir()
    for number in range(10, 22):
        (service.folder.root / f"full_backup_20200101_0000{number}.zip").write_bytes(b"old")
    schedule.set_interval(opened, 6)
    pace = Pace(heartbeat=0.05, poll=0.02, chores=0.05)
    worker = Supervisor(lambda: open_home(opened.settings), KINDS, pace=pace, chores=chores(KINDS))
    worker.start()
    try:
        assert until(lambda: any(job.state == "succeeded" for job in jobs(opened)))
    finally:
        worker.stop()
    (job,) = jobs(opened)
    assert job.result is not None
    (left,) = service.list()
    assert left.name == job.result["backup_name"]
    assert len(job.result["deleted"]) == 12
    assert service.verify(left.path).tables > 10


def test_a_chore_that_fails_keeps_no_job_from_running(opened: Home) -> None:
    tried = []

    def fail(_home: Home) -> None:
        tried.append(1)
        raise RuntimeError("a chore that cannot be done")

    pace = Pace(heartbeat=0.02, poll=0.01, chores=0.02)
    worker = Supervisor(lambda: open_home(opened.settings), {}, pace=pace, chores=[fail])
    worker.start()
    try:
        assert until(lambda: len(tried) > 2)
    finally:
        worker.stop()


def test_the_next_one_is_counted_from_the_moment_it_was_submitted(opened: Home) -> None:
    schedule.set_interval(opened, 6)
    begun = clock.now()
    schedule.tick(opened, KINDS)
    with opened.database.read() as session:
        row = repository.schedule(session)
    assert row is not None
    assert timedelta(hours=6) <= row.next_at - begun < timedelta(hours=6, minutes=1)
