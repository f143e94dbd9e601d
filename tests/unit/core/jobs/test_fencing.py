"""What a run may write ends with the run."""

from threading import Event

import pytest

from deepmed.core.audit.repository import history, record
from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.errors import LeaseLostError
from deepmed.core.jobs.execution import Outcome, execute, settle
from deepmed.core.jobs.fencing import FencedDatabase, Run
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job, JobState
from factories import jobs


@pytest.fixture
def run(ledger: JobLedger) -> Run:
    ledger.submit("test.hold", {})
    return jobs.claimed(ledger.database)[1]


@pytest.fixture
def fenced(opened: Home, run: Run) -> FencedDatabase:
    return FencedDatabase(opened.database, run)


def take_over(home: Home, job_id: int) -> Run:
    """The lease expires, and another worker takes the job up."""
    with home.database.write() as session:
        endings.give_back(session, repository.row(session, job_id))
    return jobs.claimed(home.database)[1]


def lines(home: Home) -> list[str]:
    with home.database.read() as session:
        return [event.action for event in history(session, home.owner_id)]


@pytest.mark.req("P-6.3")
@pytest.mark.parametrize("door", ["write", "write_concurrently"])
def test_a_feature_writes_while_its_run_has_the_job_and_not_afterwards(
    opened: Home, fenced: FencedDatabase, run: Run, door: str
) -> None:
    home = opened.with_database(fenced)
    with getattr(home.database, door)() as session:
        record(session, home.owner_id, "in time", "job", run.job_id)
    take_over(opened, run.job_id)
    with pytest.raises(LeaseLostError, match="is over"), getattr(home.database, door)() as session:
        record(session, home.owner_id, "too late", "job", run.job_id)
    assert lines(opened) == ["in time"]


@pytest.mark.req("P-6.3")
def test_a_registry_opened_through_the_fence_is_fenced_too(
    opened: Home, fenced: FencedDatabase, run: Run
) -> None:
    registry = opened.with_database(fenced).registry
    take_over(opened, run.job_id)
    with pytest.raises(LeaseLostError):
        registry.publish(
            "thing",
            {"a.json": b"{}"},
            metrics={},
            card={},
            lineage={},
            recipe_hash="0" * 64,
            configuration={},
            seed=0,
            data_hash="0" * 64,
        )
    assert opened.registry.list() == []


@pytest.mark.req("P-6.3")
def test_a_zombie_cannot_complete_a_job(opened: Home, run: Run) -> None:
    new = take_over(opened, run.job_id)
    with pytest.raises(LeaseLostError):
        settle(opened, run, lambda session, job: endings.succeed(session, job.id, {"by": "zombie"}))
    settle(opened, new, lambda session, job: endings.succeed(session, job.id, {"by": "heir"}))
    job = jobs.job_of(opened.database, run.job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"by": "heir"})
    assert jobs.kinds_of_events(opened.database, job.id).count("succeeded") == 1


@pytest.mark.req("P-6.3")
def test_a_job_is_completed_once(opened: Home, run: Run) -> None:
    def complete(session: object, job: Job) -> None:
        endings.succeed(session, job.id, {})  # type: ignore[arg-type]  # settle's own session

    settle(opened, run, complete)
    with pytest.raises(LeaseLostError):
        settle(opened, run, complete)
    assert jobs.kinds_of_events(opened.database, run.job_id).count("succeeded") == 1


@pytest.mark.req("P-6.3")
def test_a_zombie_that_finishes_its_work_leaves_neither_writes_nor_an_end(
    opened: Home, ledger: JobLedger, run: Run
) -> None:
    """The job's own function notices nothing: it is taken over in its last moment."""
    kind = ledger.kinds["test.hold"]

    def slow(home: Home, job: object) -> dict[str, object]:
        take_over(opened, run.job_id)
        return kind.run(home, job)  # type: ignore[arg-type]  # the context is handed through

    (opened.settings.home / "go").touch()
    kinds = {"test.hold": type(kind)(**{**vars(kind), "run": slow})}
    assert execute(opened, kinds, run, Event()) is Outcome.LOST
    assert jobs.job_of(opened.database, run.job_id).state == JobState.RUNNING
    assert jobs.traces(opened.database) == {}


@pytest.mark.req("P-6.3")
def test_a_run_that_comes_too_late_does_not_even_begin(
    opened: Home, ledger: JobLedger, run: Run
) -> None:
    take_over(opened, run.job_id)
    assert execute(opened, ledger.kinds, run, Event()) is Outcome.LOST
    assert not (opened.settings.home / "marks").exists()


@pytest.mark.req("P-6.1")
def test_a_write_leaves_with_a_fresh_lease(opened: Home, run: Run) -> None:
    before = jobs.job_of(opened.database, run.job_id).lease_until
    with FencedDatabase(opened.database, Run(run.job_id, run.token, 500.0)).write():
        pass
    after = jobs.job_of(opened.database, run.job_id).lease_until
    assert before is not None
    assert after is not None
    assert (after - before).total_seconds() > 400


def test_what_joins_an_open_block_is_undone_with_it(opened: Home, fenced: FencedDatabase) -> None:
    with fenced.write() as outer:
        with fenced.join() as inner:
            assert inner is outer
            record(inner, opened.owner_id, "inside", "job", 1)
        outer.rollback()
    assert lines(opened) == []
    with fenced.join() as own:
        record(own, opened.owner_id, "alone", "job", 1)
    assert lines(opened) == ["alone"]
