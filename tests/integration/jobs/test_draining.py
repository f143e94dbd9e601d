"""Many claimers on one ledger, on each engine."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.kit.database import open_database
from deepmed.kit.settings import Settings
from factories import jobs
from factories.job_kinds import BY_NAME

CLAIMERS = 24
JOBS = {"postgresql": 500, "mysql": 150, "sqlite": 150}
"""The promise of 500 is PostgreSQL's; that each is done once holds on every engine."""


@pytest.mark.req("P-6.3")
def test_24_claimers_drain_500_inline_jobs_exactly_once(
    any_home: Home, any_settings: Settings, engine_name: str
) -> None:
    count = JOBS[engine_name]
    ledger = jobs.ledger_of(any_home)
    with any_home.database.write_concurrently() as session:
        ids = [
            ledger.submit("test.add", {"first": n, "second": 1}, session=session).id
            for n in range(count)
        ]
    begun = time.monotonic()
    with ExitStack() as stack:
        for _ in range(CLAIMERS):
            worker = Supervisor(lambda: open_home(any_settings), BY_NAME)
            worker.start()
            stack.callback(worker.stop)
        jobs.until(lambda: not unfinished(any_home), 60)
    assert time.monotonic() - begun < 60
    assert jobs.traces(any_home.database) == dict.fromkeys(ids, 1)
    for job_id in ids[:: count // 20]:
        assert jobs.kinds_of_events(any_home.database, job_id) == ["queued", "started", "succeeded"]


def unfinished(home: Home) -> int:
    with home.database.read() as session:
        return repository.count_unfinished(session, home.owner_id, "test.add")


@pytest.mark.req("P-6.1")
def test_claimers_in_the_same_moment_never_get_the_same_job(any_home: Home) -> None:
    ledger = jobs.ledger_of(any_home)
    with any_home.database.write_concurrently() as session:
        for n in range(60):
            ledger.submit("test.add", {"first": n, "second": 1}, session=session)
    together = Barrier(6)
    url = any_home.settings.resolved_database_url

    def claim_ten(_: int) -> list[int]:
        database = open_database(url)
        together.wait()
        claimed = [jobs.claimed(database)[0].id for _ in range(10)]
        database.close()
        return claimed

    with ThreadPoolExecutor(6) as threads:
        counts = Counter(job for taken in threads.map(claim_ten, range(6)) for job in taken)
    assert len(counts) == 60
    assert set(counts.values()) == {1}


@pytest.mark.req("P-6.1")
def test_events_are_numbered_without_a_gap_whoever_writes_them(any_home: Home) -> None:
    """Eight writers at once, each rolling back every third event."""
    ledger = jobs.ledger_of(any_home)
    job = ledger.submit("test.add", {"first": 1, "second": 1})
    url = any_home.settings.resolved_database_url

    def write(writer: int) -> None:
        database = open_database(url)
        for n in range(15):
            with database.write_concurrently() as session:
                repository.append(session, job.id, "note", {"writer": writer, "n": n})
                if n % 3 == 0:
                    session.rollback()
        database.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert jobs.is_gapless(any_home.database, job.id)
    assert jobs.job_of(any_home.database, job.id).last_sequence == 1 + 8 * 10


@pytest.mark.req("P-6.1")
def test_a_limited_queue_runs_so_many_at_once_over_all_workers(
    any_home: Home, any_settings: Settings
) -> None:
    ledger = jobs.ledger_of(any_home)
    ids = [ledger.submit("test.hold_alone", {}).id for _ in range(3)]
    (any_settings.home / "go").touch()
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(jobs.working(any_settings))
        for job_id in ids:
            jobs.ended(any_home.database, job_id)
    moments = [
        (event.at, 1 if event.kind == "started" else -1)
        for job_id in ids
        for event in jobs.events_of(any_home.database, job_id)
        if event.kind in {"started", "succeeded"}
    ]
    running = most = 0
    for _, step in sorted(moments):
        running += step
        most = max(most, running)
    assert most == 1


@pytest.mark.req("P-6.1")
def test_a_row_that_is_being_written_to_does_not_hold_up_the_leases_of_others(
    any_home: Home,
) -> None:
    if any_home.database.engine.dialect.name == "sqlite":
        return  # one writer at a time
    ledger = jobs.ledger_of(any_home)
    for _ in range(2):
        ledger.submit("test.hold", {})
    (_, busy), (free_job, free) = jobs.claimed(any_home.database), jobs.claimed(any_home.database)
    other = open_database(any_home.settings.resolved_database_url)
    with any_home.database.write_concurrently() as writing:
        assert repository.hold(writing, busy.job_id, busy.token, busy.lease_until())
        with other.write_concurrently() as session:
            later = Run(0, "", 1000.0).lease_until()
            repository.renew(session, {busy.job_id: busy.token, free.job_id: free.token}, later)
    other.close()
    assert jobs.job_of(any_home.database, free_job.id).lease_until == later
    assert jobs.job_of(any_home.database, busy.job_id).lease_until != later
