import asyncio
from collections.abc import Awaitable, Callable

import pytest

from deepmed.core.events import feed
from deepmed.core.events.feed import EventFeed, Subscription
from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job
from deepmed.core.jobs.topics import JOBS
from deepmed.kit.errors import ResourceError


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAUSE", 0.01)


@pytest.fixture
def job(ledger: JobLedger) -> Job:
    return ledger.submit("test.hold", {})


def note(home: Home, job: Job, count: int) -> None:
    for n in range(count):
        with home.database.write() as session:
            repository.append(session, job.id, "note", {"n": n})


async def heard(listener: Subscription, count: int) -> list[int]:
    numbers: list[int] = []
    while len(numbers) < count:
        events = await listener.take(5)
        assert events, "nothing came"
        numbers += [event.sequence for event in events]
    return numbers


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(limited())


@pytest.mark.req("P-6.3")
def test_many_listeners_hear_all_each_from_its_place_by_one_look_at_a_time(
    opened: Home, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(opened, job, 9)
    looks = 0
    collect = EventFeed._collect

    def counted(self: EventFeed, listeners: list[Subscription]) -> object:
        nonlocal looks
        looks += 1
        return collect(self, listeners)

    monkeypatch.setattr(EventFeed, "_collect", counted)

    async def listen() -> None:
        events = EventFeed(opened.database, JOBS)

        async def one(place: int) -> list[int]:
            with events.listen(opened.owner_id, {job.id: place}) as listener:
                return await heard(listener, 10 - place)

        places = [*range(10)] * 5
        found = await asyncio.gather(*map(one, places))
        assert found == [list(range(place + 1, 11)) for place in places]
        assert looks <= 3

    run(listen)


@pytest.mark.req("P-6.3")
def test_what_comes_while_one_listens_comes_in_order_and_once(opened: Home, job: Job) -> None:
    async def listen() -> None:
        events = EventFeed(opened.database, JOBS)
        with events.listen(opened.owner_id, {job.id: 0}) as listener:
            writing = asyncio.create_task(asyncio.to_thread(note, opened, job, 40))
            assert await heard(listener, 41) == list(range(1, 42))
            await writing
            assert await listener.take(0.1) == []

    run(listen)


def test_the_feed_rests_while_nobody_listens_and_begins_again(opened: Home, job: Job) -> None:
    async def listen() -> None:
        events = EventFeed(opened.database, JOBS)
        for _ in range(2):
            with events.listen(opened.owner_id, {job.id: 0}) as listener:
                await heard(listener, 1)
            task = events._task
            assert task is not None
            await task

    run(listen)


def test_a_listener_that_takes_nothing_is_not_filled_without_end(
    opened: Home, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_HELD", 5)
    monkeypatch.setattr(feed, "AT_ONCE", 2)
    note(opened, job, 19)

    async def listen() -> None:
        events = EventFeed(opened.database, JOBS)
        with events.listen(opened.owner_id, {job.id: 0}) as slow:
            with events.listen(opened.owner_id, {job.id: 0}) as quick:
                assert await heard(quick, 20) == list(range(1, 21))
            assert len(slow._held) == 6
            assert await heard(slow, 20) == list(range(1, 21))

    run(listen)


@pytest.mark.req("P-6.3")
def test_listeners_outlast_a_database_that_is_away(
    opened: Home, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, troubles = repository.heads, iter([ResourceError(), ResourceError()])

    def away(*arguments: object) -> dict[int, int]:
        if (error := next(troubles, None)) is not None:
            raise error
        return heads(*arguments)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(repository, "heads", away)

    async def listen() -> None:
        with EventFeed(opened.database, JOBS).listen(opened.owner_id, {job.id: 0}) as listener:
            assert await heard(listener, 1) == [1]

    run(listen)


def test_an_owners_listener_hears_an_old_job_that_runs_again(
    opened: Home, ledger: JobLedger, job: Job
) -> None:
    """Only what came since: the job's past is not told again."""
    ledger.cancel(job.id)

    async def listen() -> None:
        with EventFeed(opened.database, JOBS).listen(opened.owner_id, None) as listener:
            assert await listener.take(0.1) == []
            ledger.retry(job.id)
            assert await heard(listener, 1) == [3]

    run(listen)
