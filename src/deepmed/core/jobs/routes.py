"""Jobs over HTTP: see, cancel and retry them, and listen to what happens to one (P-6)."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from deepmed.core.events.cursors import read_cursor
from deepmed.core.events.feed import feed_of
from deepmed.core.jobs import streams
from deepmed.core.jobs.dependencies import Ledger
from deepmed.core.jobs.ledger import MOST
from deepmed.core.jobs.schemas import JobPage, JobView
from deepmed.core.jobs.tables import JobState
from deepmed.core.jobs.topics import JOBS

router = APIRouter(tags=["jobs"])


@router.get("/jobs")
def list_jobs(
    ledger: Ledger,
    state: JobState | None = None,
    kind: str | None = None,
    before: Annotated[int | None, Query(ge=1, description="`next_before` of the last page")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> JobPage:
    """The newest first."""
    with ledger.database.read() as session:
        rows = ledger.list(session, state=state, kind=kind, before=before, limit=limit)
    more = rows[-1].id if len(rows) == limit else None
    return JobPage(jobs=[JobView.of(row) for row in rows], next_before=more)


@router.get("/jobs/{job_id}")
def job(ledger: Ledger, job_id: int) -> JobView:
    """How far it is, and what became of it."""
    with ledger.database.read() as session:
        return JobView.of(ledger.get(session, job_id))


@router.post("/jobs/{job_id}/cancel", status_code=202)
def cancel(ledger: Ledger, job_id: int) -> JobView:
    """Stop it: a queued job at once, a running one within ten seconds."""
    return JobView.of(ledger.cancel(job_id))


@router.post("/jobs/{job_id}/retry", status_code=202)
def retry(ledger: Ledger, job_id: int) -> JobView:
    """Queue a failed or cancelled job again."""
    return JobView.of(ledger.retry(job_id))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events, one after another"},
        204: {"description": "The job has ended, and nothing is left to tell"},
    },
)
async def events(
    request: Request,
    ledger: Ledger,
    job_id: int,
    after: Annotated[str | None, Query(description="Number of the last event you have")] = None,
    last_event_id: Annotated[str | None, Header(description="The same, from a browser")] = None,
) -> Response:
    """What happens to the job, from its first event or after yours, until it has ended."""
    place = read_cursor(last_event_id or after)
    if await run_in_threadpool(_is_all_told, ledger, job_id, place):
        return Response(status_code=204)  # so that a browser does not come back
    return StreamingResponse(
        streams.server_sent(feed_of(request, JOBS), ledger, job_id, place),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _is_all_told(ledger: Ledger, job_id: int, place: int) -> bool:
    with ledger.database.read() as session:
        JOBS.check(session, ledger.owner_id, {job_id: place})
        found = ledger.get(session, job_id)
    return JobState(found.state).final and found.last_sequence == place
