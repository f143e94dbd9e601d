"""What happens to jobs, handed to whoever listens: one look at the ledger serves all of them."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from deepmed.core.jobs import repository
from deepmed.core.jobs.tables import JobEvent
from deepmed.kit import clock, logging
from deepmed.kit.database import Database
from deepmed.kit.database.batches import in_batches

PAUSE = 0.25
AT_ONCE = 500
MOST_HELD = 2000
"""Events that a listener may leave untaken before it is given no more for a while."""
SLACK = timedelta(seconds=30)
"""Longer than a transaction takes from its event to its commit."""


class Subscription:
    """A listener's place: the last event that it has of each job."""

    def __init__(self, owner_id: int, cursors: Mapping[int, int] | None) -> None:
        self.owner_id = owner_id
        self.cursors = dict(cursors or {})
        self.everything = cursors is None
        self.since = self.looked_at = clock.now()
        self._held: list[JobEvent] = []
        self._news = asyncio.Event()

    @property
    def full(self) -> bool:
        return len(self._held) >= MOST_HELD

    def give(self, events: list[JobEvent]) -> None:
        self._held += events
        self._news.set()

    def wake(self) -> None:
        """Let `take` return with what there is."""
        self._news.set()

    async def take(self, seconds: float) -> list[JobEvent]:
        """The events since the last call; waits for the first, but not longer than that."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()
        taken, self._held = self._held, []
        return taken


class EventFeed:
    """Looks at the ledger a few times a second while anybody listens, in one thread for all.

    A job's events are numbered in the order of their commits, so the numbers are the cursor:
    whoever comes back with the last one it had misses nothing and gets nothing twice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listen(self, owner_id: int, cursors: Mapping[int, int] | None) -> Iterator[Subscription]:
        """Listen to some jobs, each from its cursor, or to all of an owner's from now on."""
        subscription = Subscription(owner_id, cursors)
        self._subscriptions.add(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def _run(self) -> None:
        while self._subscriptions:
            ready = [each for each in self._subscriptions if not each.full]
            try:
                found = await run_in_threadpool(self._collect, ready)
            except Exception as error:  # noqa: BLE001 - the listeners stay; the ledger may come back
                logging.get("deepmed.jobs").error("events cannot be read", exc_info=error)
                found = {}
            for subscription, events in found.items():
                subscription.give(events)
            await asyncio.sleep(PAUSE)

    def _collect(self, subscriptions: list[Subscription]) -> dict[Subscription, list[JobEvent]]:
        with self._database.read() as session:
            heads = self._heads(session, subscriptions)
            found = {each: list[JobEvent]() for each in subscriptions}
            for job_id, events in self._new_events(session, subscriptions, heads):
                for each in subscriptions:
                    _hand_over(each, job_id, events, found[each])
        return {each: events for each, events in found.items() if events}

    def _heads(self, session: Session, subscriptions: list[Subscription]) -> dict[int, int]:
        heads: dict[int, int] = {}
        named = {job_id for each in subscriptions if not each.everything for job_id in each.cursors}
        for batch in in_batches(sorted(named)):
            heads |= repository.heads(session, batch)
        for each in subscriptions:
            if each.everything:
                heads |= _discover(session, each)
        return heads

    @staticmethod
    def _new_events(
        session: Session, subscriptions: list[Subscription], heads: Mapping[int, int]
    ) -> Iterator[tuple[int, list[JobEvent]]]:
        for job_id, head in heads.items():
            places = [each.cursors[job_id] for each in subscriptions if job_id in each.cursors]
            first = min(places, default=head)
            if first < head:
                yield job_id, list(repository.events(session, job_id, first, AT_ONCE))


def _discover(session: Session, subscription: Subscription) -> dict[int, int]:
    """The owner's jobs that something happened to; of a new one only what came since."""
    looked_at, moment = subscription.looked_at, clock.now()
    heads = repository.changed(session, subscription.owner_id, looked_at - SLACK)
    for job_id in heads.keys() - subscription.cursors.keys():
        before = repository.last_before(session, job_id, subscription.since)
        subscription.cursors[job_id] = before
    subscription.looked_at = moment
    return heads


def _hand_over(
    subscription: Subscription, job_id: int, events: list[JobEvent], into: list[JobEvent]
) -> None:
    cursor = subscription.cursors.get(job_id)
    if cursor is None:
        return
    new = [event for event in events if event.sequence > cursor]
    if new:
        into += new
        subscription.cursors[job_id] = new[-1].sequence
