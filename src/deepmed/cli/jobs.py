"""`deepmed job …`: what was asked for, how far it is, and what became of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepmed.cli.output import JsonFlag, Output, printable

if TYPE_CHECKING:
    from deepmed.core.home import Home
    from deepmed.core.jobs.ledger import JobLedger
    from deepmed.core.jobs.tables import Job, JobEvent

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="""Long work: trainings, analyses, reports.

    A job is queued by whoever asks for it, and run by a worker: `deepmed serve` has one, `deepmed
    worker` is one. It is queued, then running, then succeeded, failed or cancelled. Whatever is
    killed meanwhile, a job is neither lost nor completed twice.
    """,
)
Id = Annotated[int, typer.Argument(help="Id of a job, as `deepmed job list` shows it.")]


@contextmanager
def _opened() -> Iterator[tuple["Home", "JobLedger"]]:
    from deepmed.app import open_home
    from deepmed.core.jobs.ledger import JobLedger

    with open_home() as home:
        yield home, JobLedger.of(home)


@app.command("list")
def list_jobs(
    state: Annotated[
        str | None,
        typer.Option(help="Only queued, running, succeeded, failed or cancelled ones."),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Older than the job of this id.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List jobs, newest first."""
    out = Output(as_json)
    with _opened() as (home, ledger), home.database.read() as session:
        rows = ledger.list(session, state=state, kind=kind, before=before, limit=limit)
    out.table(
        ["Id", "Kind", "Title", "State", "Attempt", "Progress", "Submitted"],
        [
            (row.id, row.kind, row.title, row.state, row.attempt, _progress(row), row.created_at)
            for row in rows
        ],
    )
    if not rows:
        out.say("There are no such jobs.")
    out.finish({"jobs": [_plain(row) for row in rows]})


@app.command()
def show(job_id: Id, as_json: JsonFlag = False) -> None:
    """Show a job: what was asked for, its state, when it will be done, its result or error."""
    out = Output(as_json)
    with _opened() as (home, ledger), home.database.read() as session:
        shown = _plain(ledger.get(session, job_id))
    out.table(["", ""], [(name, value) for name, value in shown.items() if value is not None])
    out.finish(shown)


@app.command()
def cancel(job_id: Id, as_json: JsonFlag = False) -> None:
    """Stop a job: a queued one at once, a running one within ten seconds."""
    out = Output(as_json)
    with _opened() as (_, ledger):
        job = ledger.cancel(job_id)
    out.say(
        f"Job {job_id} is {job.state}."
        if job.state == "cancelled"
        else f"Job {job_id} was asked to stop; its worker sees to it within ten seconds."
    )
    out.finish(_plain(job))


@app.command()
def retry(job_id: Id, as_json: JsonFlag = False) -> None:
    """Queue a failed or cancelled job again, with all its attempts."""
    out = Output(as_json)
    with _opened() as (_, ledger):
        job = ledger.retry(job_id)
    out.say(f"Job {job_id} is queued again.")
    out.finish(_plain(job))


@app.command()
def logs(
    job_id: Id,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    after: Annotated[int, typer.Option(min=0, help="Begin after the event of this number.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Print what happened to a job, one line an event, numbered without a gap."""
    from deepmed.core.jobs.following import follow as following

    out = Output(as_json)
    told = []
    with _opened() as (_, ledger):
        for event in following(ledger, job_id, after, until_end=follow):
            out.say(_line(event))
            told.append(_event(event))
    out.finish({"job_id": job_id, "events": told})


@app.command()
def run(
    job_id: Id,
    child_of: Annotated[int | None, typer.Option(hidden=True)] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run one queued job here and now, without another worker; exit code 1 unless it succeeds."""
    if child_of is not None:
        _be_child_of(child_of)
        return
    out = Output(as_json)
    job = _run_here(out, job_id)
    out.say(f"Job {job_id} has {job.state}." if job.state != "queued" else _waits(job))
    if job.error is not None:
        out.say(job.error["message"])
    out.finish(_plain(job))
    if job.state != "succeeded":
        raise typer.Exit(1)


def _be_child_of(parent: int) -> None:
    from deepmed.core.jobs.child import Child

    child = Child(parent)  # before anything heavy: from here on it ends with its parent

    from deepmed.app import open_home
    from deepmed.app.kinds import job_kinds

    child.work(open_home, job_kinds)


def _run_here(out: Output, job_id: int) -> "Job":
    from deepmed.cli.worker import work_on
    from deepmed.kit.errors import ConflictError

    with _opened() as (home, ledger):
        with home.database.read() as session:
            job = ledger.get(session, job_id)
        if job.state != "queued":
            raise ConflictError(f"Job {job_id} is {job.state}; only a queued one can be run.")
        work_on(out, home, job)
        with home.database.read() as session:
            return ledger.get(session, job_id)


def _waits(job: "Job") -> str:
    return f"Job {job.id} waits until {job.available_at:%H:%M:%S} UTC for its next attempt."


def _progress(job: "Job") -> str:
    return f"{job.completed}/{job.total}" if job.total else ""


def _line(event: "JobEvent") -> str:
    data = event.data
    told = data.get("text") if event.kind == "log" else None
    if event.kind == "progress":
        told = f"{data['completed']}/{data['total']} {data['text']}"
    if told is None:
        told = ", ".join(f"{name} {value}" for name, value in data.items())
    return printable(f"{event.sequence:>5}  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind}  {told}")


def _event(event: "JobEvent") -> dict[str, Any]:
    return {"sequence": event.sequence, "kind": event.kind, "at": event.at, "data": event.data}


def _plain(job: "Job") -> dict[str, Any]:
    from deepmed.core.jobs.schemas import JobView

    return JobView.of(job).model_dump(mode="json")
