"""What happens to one job, on its way out as server-sent events."""

from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from deepmed.core.events.feed import EventFeed
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.schemas import EventView
from deepmed.core.jobs.tables import JobEvent, JobState

KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": nothing new\n\n"


async def server_sent(
    feed: EventFeed, ledger: JobLedger, job_id: int, after: int
) -> AsyncIterator[bytes]:
    """The job's events after a number; ends when the job has ended and all is told."""
    with feed.listen(ledger.owner_id, {job_id: after}) as listener:
        while True:
            events = await listener.take(KEEP_ALIVE_SECONDS)
            yield b"".join(map(_lines, events)) or KEEP_ALIVE
            if not events:
                continue
            ended: bool = await run_in_threadpool(is_all, ledger, events[-1])
            if ended:
                return


def is_all(ledger: JobLedger, event: JobEvent) -> bool:
    """Whether nothing comes after this event, unless somebody has the job run again."""
    if event.kind not in {state.value for state in JobState if state.final}:
        return False
    with ledger.database.read() as session:
        return ledger.get(session, event.job_id).last_sequence == event.sequence


def _lines(event: JobEvent) -> bytes:
    data = EventView.of(event).model_dump_json()
    return f"id: {event.sequence}\nevent: {event.kind}\ndata: {data}\n\n".encode()
