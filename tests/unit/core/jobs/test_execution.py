"""From a row to its end, in this thread."""

from threading import Event
from typing import Any

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from deepmed.core.home import Home
from deepmed.core.jobs import endings, execution
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.execution import Outcome, execute
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job, JobState
from deepmed.kit import clock
from deepmed.kit.errors import ResourceError
from deepmed.learning.errors import InsufficientDataError
from factories import jobs
from factories.job_kinds import Nothing

pytestmark = pytest.mark.usefixtures("logs_of_every_level")


def run_once(home: Home, ledger: JobLedger, stop: Event | None = None) -> Job:
    _, run = jobs.claimed(home.database)
    assert execute(home, ledger.kinds, run, stop or Event()) is Outcome.SETTLED
    return jobs.job_of(home.database, run.job_id)


def with_kind(home: Home, run: Any, payload: type[BaseModel] = Nothing) -> JobLedger:
    kind = JobKind(
        name="test.hold",
        run=run,
        payload=payload,
        isolation=Isolation.INLINE,
        title=lambda _: "Test",
    )
    return JobLedger.of(home, {"test.hold": kind})


def test_a_result_is_kept(opened: Home, ledger: JobLedger) -> None:
    ledger.submit("test.add", {"first": 2, "second": 3})
    job = run_once(opened, ledger)
    assert (job.state, job.result, job.error) == (JobState.SUCCEEDED, {"sum": 5}, None)
    assert job.token is None
    assert job.finished_at is not None


@pytest.mark.req("P-6.1")
@pytest.mark.parametrize("error", ["ValidationError", "NotFoundError", "ConflictError", "Bug"])
def test_what_would_fail_again_is_not_tried_again(
    opened: Home, ledger: JobLedger, error: str
) -> None:
    ledger.submit("test.fail", {"error": error})
    job = run_once(opened, ledger)
    assert (job.state, job.attempt) == (JobState.FAILED, 1)
    assert (job.error or {})["attempts"] == 1


@pytest.mark.req("P-6.3")
def test_a_passing_trouble_is_tried_again_after_a_pause_that_grows(
    opened: Home, ledger: JobLedger
) -> None:
    ledger.submit("test.fail", {"error": "ResourceError", "times": 2})
    pauses = []
    for attempt in (1, 2):
        job = run_once(opened, ledger)
        assert (job.state, job.attempt) == (JobState.QUEUED, attempt)
        assert (job.error or {})["message"] == "as it was told to"
        pauses.append((job.available_at - clock.now()).total_seconds())
        make_available(opened, job.id)
    assert 1 < pauses[0] <= 2
    assert 3 < pauses[1] <= 4
    job = run_once(opened, ledger)
    assert (job.state, job.result, job.error) == (JobState.SUCCEEDED, {"attempt": 3}, None)
    assert jobs.kinds_of_events(opened.database, job.id) == [
        *("queued", "started", "retrying", "started", "retrying", "started", "succeeded")
    ]


@pytest.mark.req("P-6.3")
def test_attempts_are_limited(opened: Home, ledger: JobLedger) -> None:
    ledger.submit("test.fail", {"error": "ResourceError"})
    for _ in range(3):
        job = run_once(opened, ledger)
        make_available(opened, job.id)
    assert (job.state, job.attempt, (job.error or {})["attempts"]) == (JobState.FAILED, 3, 3)


def test_a_bug_is_told_without_its_text_which_may_name_a_person(
    opened: Home, ledger: JobLedger
) -> None:
    ledger.submit("test.fail", {"error": "Bug"})
    with capture_logs() as logs:
        error = run_once(opened, ledger).error or {}
    assert error["code"] == "unexpected"
    assert "as it was told to" not in error["message"]
    assert error["error_id"] in error["message"]
    (line,) = logs
    assert line["error_id"] == error["error_id"]
    assert str(line["exc_info"]) == "as it was told to"


def test_a_learning_error_is_told_in_its_own_words(opened: Home) -> None:
    def refuse(_home: Home, _job: JobContext) -> dict[str, Any]:
        raise InsufficientDataError("Ten children at least, there are four.")

    ledger = with_kind(opened, refuse)
    ledger.submit("test.hold", {})
    assert (run_once(opened, ledger).error or {})["message"].startswith("Ten children")


@pytest.mark.parametrize("result", [{"p": float("nan")}, ["a"], {"a": object()}])
def test_a_result_that_is_no_json_object_fails_the_job(opened: Home, result: object) -> None:
    ledger = with_kind(opened, lambda _home, _job: result)
    ledger.submit("test.hold", {})
    job = run_once(opened, ledger)
    assert job.state == JobState.FAILED
    assert job.result is None


def test_a_payload_is_checked_again_before_the_run(opened: Home, ledger: JobLedger) -> None:
    """Its kind may have changed since it was submitted."""

    class Changed(BaseModel):
        needed: int

    ledger.submit("test.hold", {})
    changed = with_kind(opened, lambda _home, _job: {}, Changed)
    assert (run_once(opened, changed).error or {})["code"] == "validation"


def test_the_last_progress_comes_before_the_end(opened: Home) -> None:
    def work(_home: Home, job: JobContext) -> dict[str, Any]:
        for step in range(1, 6):
            job.progress(step, 5)
        return {}

    ledger = with_kind(opened, work)
    ledger.submit("test.hold", {})
    job = run_once(opened, ledger)
    assert (job.completed, job.total) == (5, 5)
    assert jobs.kinds_of_events(opened.database, job.id)[-2:] == ["progress", "succeeded"]


def test_a_run_that_stops_when_asked_leaves_its_end_to_who_asked(
    opened: Home, ledger: JobLedger
) -> None:
    ledger.submit("test.hold", {})
    _, run = jobs.claimed(opened.database)
    stop = Event()
    stop.set()
    assert execute(opened, ledger.kinds, run, stop) is Outcome.STOPPED
    assert jobs.job_of(opened.database, run.job_id).state == JobState.RUNNING


@pytest.mark.req("P-6.1")
def test_the_folder_survives_a_retry_and_goes_with_the_end(opened: Home) -> None:
    seen = []

    def work(_home: Home, job: JobContext) -> dict[str, Any]:
        seen.append(job.folder)
        if job.attempt == 1:
            (job.folder / "checkpoint").write_text("half")
            raise ResourceError
        return {"found": (job.folder / "checkpoint").read_text()}

    ledger = with_kind(opened, work)
    ledger.submit("test.hold", {})
    job = run_once(opened, ledger)
    assert seen[0].exists()
    make_available(opened, job.id)
    assert run_once(opened, ledger).result == {"found": "half"}
    assert seen[0] == seen[1]
    assert not seen[0].exists()


@pytest.mark.req("P-6.3")
def test_finished_work_outlives_a_database_that_is_away_for_a_moment(
    opened: Home, ledger: JobLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.submit("test.add", {"first": 1, "second": 1})
    succeed, failures = endings.succeed, iter([ResourceError(), ResourceError()])

    def away(*arguments: Any) -> None:
        if (error := next(failures, None)) is not None:
            raise error
        succeed(*arguments)

    monkeypatch.setattr(endings, "succeed", away)
    monkeypatch.setattr(execution, "PATIENCE", (0.0, 0.0, 0.0))
    job = run_once(opened, ledger)
    assert job.state == JobState.SUCCEEDED
    assert jobs.traces(opened.database) == {job.id: 1}, "it was not done again"


def test_a_home_in_a_job_is_its_owners(opened: Home, other_owner_id: int) -> None:
    ledger = with_kind(opened, lambda home, _job: {"owner": home.owner_id})
    JobLedger(opened.database, other_owner_id, ledger.kinds).submit("test.hold", {})
    assert run_once(opened, ledger).result == {"owner": other_owner_id}


def make_available(home: Home, job_id: int) -> None:
    with home.database.write() as session:
        job = session.get_one(Job, job_id)
        job.available_at = clock.now()


def test_a_run_names_a_job(opened: Home, ledger: JobLedger) -> None:
    ledger.submit("test.hold", {})
    job, run = jobs.claimed(opened.database)
    assert run == Run(job.id, str(job.token), 10.0)
