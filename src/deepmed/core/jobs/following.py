"""Events as they come, for a program that may wait for them."""

import time
from collections.abc import Iterator

from deepmed.core.jobs.ledger import MOST, JobLedger
from deepmed.core.jobs.tables import JobEvent, JobState


def follow(
    ledger: JobLedger, job_id: int, after: int = 0, *, until_end: bool, pause: float = 0.3
) -> Iterator[JobEvent]:
    """The events after a number that are there and, with `until_end`, those to come."""
    while True:
        with ledger.database.read() as session:
            state = JobState(ledger.get(session, job_id).state)
            events = ledger.events(session, job_id, after)
        yield from events
        after += len(events)
        if len(events) == MOST:
            continue
        if state.final or not until_end:
            return
        time.sleep(pause)
