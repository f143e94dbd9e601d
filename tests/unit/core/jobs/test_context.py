import time
from threading import Event

import pytest

from deepmed.core.home import Home
from deepmed.core.jobs.context import OWN_KINDS, JobContext
from deepmed.core.jobs.errors import JobCancelled
from deepmed.core.jobs.fencing import FencedDatabase
from deepmed.core.jobs.ledger import JobLedger
from factories import jobs
from factories.job_kinds import Nothing


@pytest.fixture
def stop() -> Event:
    return Event()


@pytest.fixture
def context(opened: Home, ledger: JobLedger, stop: Event) -> JobContext:
    ledger.submit("test.hold", {})
    _, run = jobs.claimed(opened.database)
    fenced = FencedDatabase(opened.database, run)
    return JobContext(fenced, Nothing(), 1, opened.settings.home, stop)


def told(home: Home, context: JobContext) -> list[tuple[str, dict[str, object]]]:
    events = jobs.events_of(home.database, context.job_id)
    return [(event.kind, event.data) for event in events[2:]]


def steps(home: Home, context: JobContext) -> list[object]:
    return [data["completed"] for kind, data in told(home, context) if kind == "progress"]


@pytest.mark.req("P-6.3")
def test_progress_is_told_and_kept_in_the_job(opened: Home, context: JobContext) -> None:
    context.progress(3, 10, "third")
    job = jobs.job_of(opened.database, context.job_id)
    assert (job.completed, job.total, job.message) == (3, 10, "third")
    assert told(opened, context) == [
        ("progress", {"completed": 3, "total": 10, "text": "third", "expected_at": None})
    ]


@pytest.mark.req("P-6.1")
def test_of_many_steps_four_a_second_are_told_and_always_the_last(
    opened: Home, context: JobContext
) -> None:
    begun = time.monotonic()
    for step in range(1, 301):
        context.progress(step, 300)
    context.flush()
    seconds = time.monotonic() - begun
    seen = steps(opened, context)
    assert seen[0] == 1
    assert seen[-1] == 300
    assert len(seen) <= 2 + 4 * seconds


@pytest.mark.req("P-6.1")
def test_a_held_back_step_is_told_before_what_comes_after_it(
    opened: Home, context: JobContext
) -> None:
    context.progress(1, 9)
    context.progress(2, 9)
    context.log("half way")
    context.event("epoch", {"loss": 0.5})
    assert [kind for kind, _ in told(opened, context)] == ["progress", "progress", "log", "epoch"]
    assert told(opened, context)[-1] == ("epoch", {"loss": 0.5})


@pytest.mark.parametrize("kind", [*sorted(OWN_KINDS), "", "Epoch", "a\nid: 9", "x" * 61])
def test_an_event_cannot_pass_for_the_ledgers_own_or_break_the_stream(
    opened: Home, context: JobContext, kind: str
) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        context.event(kind, {})
    assert told(opened, context) == []


def test_steps_are_progress_under_one_text(opened: Home, context: JobContext) -> None:
    context.steps("counting")(2, 5)
    job = jobs.job_of(opened.database, context.job_id)
    assert (job.completed, job.total, job.message) == (2, 5, "counting")


def test_a_long_text_is_cut(opened: Home, context: JobContext) -> None:
    context.progress(1, 2, "ä" * 700)
    assert jobs.job_of(opened.database, context.job_id).message == "ä" * 500


@pytest.mark.req("P-6.1")
def test_who_asks_or_reports_learns_that_it_is_to_stop(context: JobContext, stop: Event) -> None:
    context.raise_if_cancelled()
    stop.set()
    with pytest.raises(JobCancelled):
        context.raise_if_cancelled()
    with pytest.raises(JobCancelled):
        context.progress(1, 2)
    with pytest.raises(JobCancelled):
        context.steps("counting")(1, 2)


def test_a_report_inside_a_write_block_belongs_to_it(opened: Home, context: JobContext) -> None:
    """Its own transaction would wait for the block, which waits for it."""
    database = context._database
    with database.write() as session:
        context.log("undone with it")
        session.rollback()
    with database.write():
        context.log("kept with it")
    assert told(opened, context) == [("log", {"text": "kept with it"})]
    assert jobs.is_gapless(opened.database, context.job_id)
