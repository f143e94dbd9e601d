"""What happens, handed to whoever listens: one look at the database serves all of them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from deepmed.core.events.topic import Topic
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
    """A listener's place: the last event that it has of each thing.

    `news` is set when there is something to take; who listens to several topics waits for one.
    """

    def __init__(
        self, owner_id: int, cursors: Mapping[int, int] | None, news: asyncio.Event | None = None
    ) -> None:
        self.owner_id = owner_id
        self.cursors = dict(cursors or {})
        self.everything = cursors is None
        self.since = self.looked_at = clock.now()
        self._held: list[Any] = []
        self._news = news or asyncio.Event()

    @property
    def full(self) -> bool:
        return len(self._held) >= MOST_HELD

    def give(self, events: list[Any]) -> None:
        self._held += events
        self._news.set()

    async def take(self, seconds: float) -> list[Any]:
        """The events since the last call; waits for the first, but not longer than that."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()
        return self.drain()

    def drain(self) -> list[Any]:
        """The events since the last call, if there are any."""
        taken, self._held = self._held, []
        return taken


class EventFeed:
    """Looks at the database a few times a second while anybody listens, in one thread for all.

    A thing's events are numbered in the order of their commits, so the numbers are the cursor:
    whoever comes back with the last one it had misses nothing and gets nothing twice.
    """

    def __init__(self, database: Database, topic: Topic) -> None:
        self._database = database
        self._topic = topic
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listen(
        self, owner_id: int, cursors: Mapping[int, int] | None, news: asyncio.Event | None = None
    ) -> Iterator[Subscription]:
        """Listen to some things, each from its cursor, or to all of an owner's from now on."""
        subscription = Subscription(owner_id, cursors, news)
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
                logging.get("deepmed.events").error("events cannot be read", exc_info=error)
                found = {}
            for subscription, events in found.items():
                subscription.give(events)
            await asyncio.sleep(PAUSE)

    def _collect(self, subscriptions: list[Subscription]) -> dict[Subscription, list[Any]]:
        with self._database.read() as session:
            heads = self._heads(session, subscriptions)
            found = {each: list[Any]() for each in subscriptions}
            for thing, events in self._new_events(session, subscriptions, heads):
                for each in subscriptions:
                    _hand_over(each, thing, events, found[each])
        return {each: events for each, events in found.items() if events}

    def _heads(self, session: Session, subscriptions: list[Subscription]) -> dict[int, int]:
        heads: dict[int, int] = {}
        named = {thing for each in subscriptions if not each.everything for thing in each.cursors}
        for batch in in_batches(sorted(named)):
            heads |= self._topic.heads(session, batch)
        of_all: dict[int, list[Subscription]] = defaultdict(list)
        for each in subscriptions:
            if each.everything:
                of_all[each.owner_id].append(each)
        for owner_id, listening in of_all.items():
            heads |= self._discover(session, owner_id, listening)
        return heads

    def _discover(
        self, session: Session, owner_id: int, subscriptions: list[Subscription]
    ) -> dict[int, int]:
        """The owner's things that something happened to; of a new one only what came since.

        It is asked once for all that listen to everything of this owner's.
        """
        looked_at, moment = min(each.looked_at for each in subscriptions), clock.now()
        heads = self._topic.changed(session, owner_id, looked_at - SLACK)
        for each in subscriptions:
            for thing in heads.keys() - each.cursors.keys():
                each.cursors[thing] = self._topic.last_before(session, thing, each.since)
            each.looked_at = moment
        return heads

    def _new_events(
        self, session: Session, subscriptions: list[Subscription], heads: Mapping[int, int]
    ) -> Iterator[tuple[int, list[Any]]]:
        for thing, head in heads.items():
            places = [each.cursors[thing] for each in subscriptions if thing in each.cursors]
            first = min(places, default=head)
            if first < head:
                yield thing, list(self._topic.events(session, thing, first, AT_ONCE))


def _hand_over(subscription: Subscription, thing: int, events: list[Any], into: list[Any]) -> None:
    cursor = subscription.cursors.get(thing)
    if cursor is None:
        return
    new = [event for event in events if event.sequence > cursor]
    if new:
        into += new
        subscription.cursors[thing] = new[-1].sequence


def feed_of(connection: HTTPConnection, topic: Topic) -> EventFeed:
    """The application's feed of a topic; there is one an event loop, which is one a process."""
    state = connection.app.state
    if not hasattr(state, "event_feeds"):
        state.event_feeds = WeakKeyDictionary()
    loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, EventFeed]] = state.event_feeds
    feeds = loops.setdefault(asyncio.get_running_loop(), {})
    return feeds.setdefault(topic.parameter, EventFeed(state.home.database, topic))
