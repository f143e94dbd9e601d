"""Jobs in a browser: one page for all work, with progress, log, cancel and retry (U-7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from deepmed.core.jobs.dependencies import Ledger
from deepmed.core.jobs.history import told
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.schemas import seconds_to_go
from deepmed.core.jobs.tables import Job, JobEvent, JobState
from deepmed.web.shell import Entry, page

PACKAGE = "deepmed.core.jobs"
NAVIGATION = (Entry("Jobs", "/jobs"),)
PAGE_SIZE = 30
LOGGED = (
    "queued",
    "started",
    "log",
    "retrying",
    "cancel_requested",
    *(s for s in JobState if s.final),
)
WORDS = {
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}

Pages = Mapping[str, str | tuple[str, ...]]
"""Where what came of a kind of job is shown, as `/models/training/{uid}`.

Beside `uid` and `id` an address may name parts of what the job was given and of its result. Of
several addresses the first one counts whose parts are known.
"""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Shown:
    """A job as pages show it."""

    job: Job
    place: str | None
    """Its own page beside this one."""

    @property
    def state(self) -> str:
        return WORDS[JobState(self.job.state)]

    @property
    def open(self) -> bool:
        return not JobState(self.job.state).final

    @property
    def can_retry(self) -> bool:
        return self.job.state in {JobState.FAILED, JobState.CANCELLED}

    @property
    def stopping(self) -> bool:
        return self.open and self.job.cancel_requested_at is not None

    @property
    def percent(self) -> int | None:
        job = self.job
        return int(100 * job.completed / job.total) if job.total and self.open else None

    @property
    def seconds_to_go(self) -> float | None:
        return seconds_to_go(self.job)

    @property
    def message(self) -> str:
        """What it is doing, or what became of it."""
        if self.job.error:
            return str(self.job.error.get("message", ""))
        return self.job.message if self.open else ""


@router.get("/jobs")
def jobs(
    request: Request,
    ledger: Ledger,
    state: str = "",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    return page(request, PACKAGE, "jobs.html", listed(request, ledger, state, before))


@router.get("/jobs/part")
def jobs_part(
    request: Request,
    ledger: Ledger,
    state: str = "",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    """The list alone, to be put in place of an older one."""
    return page(request, PACKAGE, "jobs_part.html", listed(request, ledger, state, before))


@router.get("/jobs/running")
def running_part(request: Request, ledger: Ledger) -> HTMLResponse:
    """What runs or waits, for the dashboard."""
    with ledger.database.read() as session:
        found = {"jobs": [_shown(request, job) for job in running(session, ledger)]}
    return page(request, PACKAGE, "running_part.html", found)


@router.get("/jobs/{job_id}")
def job(request: Request, ledger: Ledger, job_id: int) -> HTMLResponse:
    return page(request, PACKAGE, "job.html", one(request, ledger, job_id))


@router.get("/jobs/{job_id}/part")
def job_part(request: Request, ledger: Ledger, job_id: int) -> HTMLResponse:
    """The job alone, to be put in place of an older picture of it."""
    return page(request, PACKAGE, "job_part.html", one(request, ledger, job_id))


def running(session: Session, ledger: JobLedger) -> list[Job]:
    """What runs, then what waits; the newest first."""
    return [
        job
        for state in (JobState.RUNNING, JobState.QUEUED)
        for job in ledger.list(session, state=state, limit=PAGE_SIZE)
    ]


def listed(request: Request, ledger: JobLedger, state: str, before: int | None) -> dict[str, Any]:
    """A page of jobs; a state that does not exist shows all."""
    wanted = state if state in set(JobState) else None
    with ledger.database.read() as session:
        found = ledger.list(session, state=wanted, before=before, limit=PAGE_SIZE)
    older = {"before": found[-1].id} if len(found) == PAGE_SIZE else None
    return {
        "jobs": [_shown(request, job) for job in found],
        "states": WORDS,
        "state": wanted or "",
        "query": urlencode(_given(state=wanted, before=before)),
        "older": urlencode(_given(state=wanted) | older) if older else None,
        "first": before is None,
    }


def one(request: Request, ledger: JobLedger, job_id: int) -> dict[str, Any]:
    with ledger.database.read() as session:
        found = ledger.get(session, job_id)
        events = told(session, found, LOGGED)
    return {"shown": _shown(request, found), "log": [(each, in_words(each)) for each in events]}


def in_words(event: JobEvent) -> str:
    """A line of the log."""
    data = event.data
    lines = {
        "queued": f"Waiting: {data['reason']}." if "reason" in data else "Waiting for a worker.",
        "started": f"Attempt {data.get('attempt')} began.",
        "log": str(data.get("text")),
        "retrying": f"Attempt {data.get('attempt')} failed and is repeated: {_message(data)}",
        "cancel_requested": "Somebody asked to stop it.",
        "failed": f"Failed: {_message(data)}",
        "succeeded": "Done.",
        "cancelled": "Cancelled.",
    }
    return lines[event.kind]


def _message(data: Mapping[str, Any]) -> str:
    return str(data.get("error", {}).get("message", ""))


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _shown(request: Request, job: Job) -> Shown:
    pages: Pages = getattr(request.app.state, "job_pages", {})
    return Shown(job, place_of(job, pages.get(job.kind, ())))


def place_of(job: Job, addresses: str | tuple[str, ...]) -> str | None:
    """The first address whose parts are known; None where there is none yet."""
    known = {**job.payload, **(job.result or {}), "uid": job.uid, "id": job.id}
    parts = {name: quote(str(value), safe="") for name, value in known.items() if value is not None}
    for address in (addresses,) if isinstance(addresses, str) else addresses:
        try:
            return address.format_map(parts)
        except KeyError:  # not before it is done
            continue
    return None
