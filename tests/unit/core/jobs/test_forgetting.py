"""What is forgotten of jobs, on each engine."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from deepmed.app import open_home
from deepmed.core.events.feed import EventFeed
from deepmed.core.home import Home
from deepmed.core.jobs import repository, streams
from deepmed.core.jobs.forgetting import forget_old
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.topics import JOBS
from deepmed.kit import clock
from deepmed.kit.settings import Settings
from factories import jobs


@pytest.fixture
def opened(any_settings: Settings) -> Iterator[Home]:
    with open_home(any_settings) as home:
        yield home


def told(ledger: JobLedger, days: int | None) -> int:
    """A job that ended so many days ago, if it did, with three events more than that."""
    job = ledger.submit("test.hold", {})
    for number in range(3):
        with ledger.database.write() as session:
            repository.append(session, job.id, "note", {"number": number})
    if days is not None:
        ledger.cancel(job.id)
        with ledger.database.write() as session:
            repository.row(session, job.id).finished_at = clock.now() - timedelta(days=days)
    return job.id


@pytest.mark.req("P-6.3")
def test_old_jobs_keep_their_outcome_and_the_event_that_says_it(
    opened: Home, ledger: JobLedger
) -> None:
    old, recent, waiting = told(ledger, 91), told(ledger, 89), told(ledger, None)
    before = jobs.job_of(ledger.database, old)
    assert (forget_old(opened), forget_old(opened)) == (1, 0)
    after = jobs.job_of(ledger.database, old)
    assert jobs.kinds_of_events(ledger.database, old) == ["cancelled"]
    assert len(jobs.events_of(ledger.database, recent)) == 5
    assert len(jobs.events_of(ledger.database, waiting)) == 4
    kept = ("state", "title", "payload", "result", "error", "last_sequence", "created_at")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


@pytest.mark.req("P-6.3")
def test_whoever_listens_to_a_forgotten_job_hears_that_it_has_ended(
    opened: Home, ledger: JobLedger
) -> None:
    old = told(ledger, 91)
    forget_old(opened)

    async def heard() -> list[bytes]:
        async with asyncio.timeout(20):
            stream = streams.server_sent(EventFeed(ledger.database, JOBS), ledger, old, 0)
            return [lines async for lines in stream]

    (lines,) = asyncio.run(heard())
    assert b"event: cancelled" in lines


def test_how_long_is_a_setting(ledger: JobLedger, any_settings: Settings) -> None:
    told(ledger, 5)
    with open_home(any_settings.model_copy(update={"job_event_days": 4})) as home:
        assert forget_old(home) == 1
