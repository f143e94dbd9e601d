import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.failures import Trouble
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import JobState
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, NotFoundError, ValidationError
from factories import jobs

SUM = {"first": 1, "second": 2}
FINAL = Trouble("validation", "It was wrong.", "id", transient=False)


@pytest.fixture
def other(ledger: JobLedger, other_owner_id: int) -> JobLedger:
    return JobLedger(ledger.database, other_owner_id, ledger.kinds)


def finish(ledger: JobLedger, job_id: int) -> None:
    job, _ = jobs.claimed(ledger.database)
    assert job.id == job_id
    with ledger.database.write() as session:
        endings.succeed(session, job_id, {"sum": 3})


def break_down(ledger: JobLedger, job_id: int) -> None:
    job, _ = jobs.claimed(ledger.database)
    assert job.id == job_id
    with ledger.database.write() as session:
        endings.fail(session, job, FINAL)


@pytest.mark.req("P-6.3")
def test_work_is_accepted_in_less_than_a_second(ledger: JobLedger) -> None:
    begun = time.monotonic()
    job = ledger.submit("test.add", SUM)
    assert time.monotonic() - begun < 1
    assert job.id == 1
    assert (job.state, job.title, job.queue, job.max_attempts) == (
        JobState.QUEUED,
        "Test add",
        "default",
        3,
    )
    assert jobs.kinds_of_events(ledger.database, job.id) == ["queued"]


def test_an_unknown_kind_is_refused(ledger: JobLedger) -> None:
    with pytest.raises(ValidationError, match=r"no kind of job named 'test\.fly'"):
        ledger.submit("test.fly", {})


@pytest.mark.parametrize("payload", [{}, {"first": "1", "second": 2}, {**SUM, "third": 3}])
def test_a_payload_is_checked_when_it_is_submitted(
    ledger: JobLedger, payload: dict[str, object]
) -> None:
    with pytest.raises(ValidationError, match=r"test\.add cannot be run with this: \w+: "):
        ledger.submit("test.add", payload)
    with ledger.database.read() as session:
        assert ledger.list(session) == []


@pytest.mark.req("P-6.1")
def test_the_same_key_gives_the_same_job(ledger: JobLedger) -> None:
    first = ledger.submit("test.add", SUM, idempotency_key="upload 7")
    again = ledger.submit("test.add", SUM, idempotency_key="upload 7")
    assert again.id == first.id
    assert ledger.submit("test.add", SUM, idempotency_key="upload 8").id != first.id
    assert jobs.kinds_of_events(ledger.database, first.id) == ["queued"]


@pytest.mark.req("P-6.1")
def test_a_key_belongs_to_one_owner_and_one_kind(ledger: JobLedger, other: JobLedger) -> None:
    mine = ledger.submit("test.hold", {}, idempotency_key="once")
    assert ledger.submit("test.child", {}, idempotency_key="once").id != mine.id
    assert other.submit("test.hold", {}, idempotency_key="once").id != mine.id


@pytest.mark.req("P-6.1")
def test_a_key_with_another_payload_is_a_conflict(ledger: JobLedger) -> None:
    ledger.submit("test.add", SUM, idempotency_key="once")
    with pytest.raises(ConflictError, match="belongs to job 1"):
        ledger.submit("test.add", {"first": 2, "second": 2}, idempotency_key="once")


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_a_length(ledger: JobLedger, key: str) -> None:
    with pytest.raises(ValidationError, match="1 to 200"):
        ledger.submit("test.add", SUM, idempotency_key=key)


@pytest.mark.req("P-6.1")
def test_submitting_goes_with_the_callers_transaction(ledger: JobLedger) -> None:
    with ledger.database.write() as session:
        ledger.submit("test.add", SUM, session=session)
        session.rollback()
    with ledger.database.read() as session:
        assert ledger.list(session) == []


@pytest.mark.req("P-6.1")
def test_one_job_comes_of_the_same_key_in_the_same_moment(ledger: JobLedger) -> None:
    together = Barrier(8)

    def submit(_: int) -> int:
        together.wait()
        return ledger.submit("test.add", SUM, idempotency_key="once").id

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(submit, range(8))) == {1}


def test_the_list_is_paged_and_filtered(ledger: JobLedger) -> None:
    for n in range(5):
        ledger.submit("test.add", {"first": n, "second": 0})
    ledger.submit("test.hold", {})
    finish(ledger, 1)
    with ledger.database.read() as session:
        assert [job.id for job in ledger.list(session, limit=2)] == [6, 5]
        assert [job.id for job in ledger.list(session, limit=2, before=5)] == [4, 3]
        assert [job.id for job in ledger.list(session, state="succeeded")] == [1]
        assert [job.id for job in ledger.list(session, kind="test.hold")] == [6]
        assert ledger.list(session, before=10**30, limit=1)[0].id == 6
        assert ledger.count_unfinished(session, "test.add") == 4
        with pytest.raises(ValidationError, match="no state 'done'"):
            ledger.list(session, state="done")
        with pytest.raises(ValidationError, match="1 to 500"):
            ledger.list(session, limit=501)


def test_another_owners_job_is_not_there(ledger: JobLedger, other: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    with ledger.database.read() as session:
        assert other.list(session) == []
        assert other.find(session, job.uid) is None
        found = ledger.find(session, job.uid)
        assert found is not None
        assert found.id == job.id
        with pytest.raises(NotFoundError):
            other.get(session, job.id)
        with pytest.raises(NotFoundError):
            other.events(session, job.id)
    for change in (other.cancel, other.retry):
        with pytest.raises(NotFoundError):
            change(job.id)
    assert jobs.job_of(ledger.database, job.id).state == JobState.QUEUED


@pytest.mark.parametrize("job_id", [0, -1, 7, 10**30])
def test_an_id_that_is_none_is_not_found(ledger: JobLedger, job_id: int) -> None:
    with ledger.database.read() as session, pytest.raises(NotFoundError):
        ledger.get(session, job_id)


def test_events_go_on_from_a_number_that_there_was(ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    finish(ledger, job.id)
    with ledger.database.read() as session:
        assert [event.sequence for event in ledger.events(session, job.id)] == [1, 2, 3]
        assert [event.kind for event in ledger.events(session, job.id, 2)] == ["succeeded"]
        assert ledger.events(session, job.id, 3) == []
        for beyond in (4, -1):
            with pytest.raises(ValidationError, match="events 1 to 3"):
                ledger.events(session, job.id, beyond)


@pytest.mark.req("P-6.3")
def test_a_queued_job_is_cancelled_at_once(ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    cancelled = ledger.cancel(job.id)
    assert cancelled.state == JobState.CANCELLED
    assert cancelled.finished_at is not None
    assert ledger.cancel(job.id).last_sequence == cancelled.last_sequence, "twice is once"


@pytest.mark.req("P-6.3")
def test_a_running_job_is_asked_to_stop_once(ledger: JobLedger) -> None:
    ledger.submit("test.add", SUM)
    job, _ = jobs.claimed(ledger.database)
    for _ in range(2):
        assert ledger.cancel(job.id).state == JobState.RUNNING
    assert jobs.kinds_of_events(ledger.database, job.id) == [
        "queued",
        "started",
        "cancel_requested",
    ]


@pytest.mark.req("P-6.3")
def test_a_job_whose_worker_is_silent_for_long_is_cancelled_at_once(ledger: JobLedger) -> None:
    ledger.submit("test.add", SUM)
    job, _ = jobs.claimed(ledger.database)
    jobs.expire(ledger.database, job.id)
    assert ledger.cancel(job.id).state == JobState.CANCELLED


def test_what_has_ended_cannot_be_cancelled(ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    finish(ledger, job.id)
    with pytest.raises(ConflictError, match="has succeeded already"):
        ledger.cancel(job.id)


def test_a_failed_job_is_queued_again_with_all_its_attempts(ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    break_down(ledger, job.id)
    failed = jobs.job_of(ledger.database, job.id)
    assert (failed.state, (failed.error or {})["message"]) == (JobState.FAILED, "It was wrong.")
    again = ledger.retry(job.id)
    assert (again.state, again.attempt, again.error, again.finished_at) == (
        JobState.QUEUED,
        0,
        None,
        None,
    )
    finish(ledger, job.id)
    assert jobs.is_gapless(ledger.database, job.id)


def test_a_cancelled_job_can_be_retried_and_is_not_cancelled_then(ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    ledger.cancel(job.id)
    assert ledger.retry(job.id).cancel_requested_at is None


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_only_what_failed_or_was_cancelled_can_be_retried(ledger: JobLedger, state: str) -> None:
    job = ledger.submit("test.add", SUM)
    if state == "running":
        jobs.claimed(ledger.database)
    if state == "succeeded":
        finish(ledger, job.id)
    with pytest.raises(ConflictError, match=f"is {state}"):
        ledger.retry(job.id)


def test_a_ledger_of_a_home_is_its_owners(opened: Home, other_owner_id: int) -> None:
    assert JobLedger.of(opened.for_owner(other_owner_id)).owner_id == other_owner_id


@pytest.mark.req("P-6.1")
def test_priority_goes_before_age(ledger: JobLedger) -> None:
    ids = {
        name: ledger.submit("test.hold", {}, priority=priority).id
        for name, priority in (("old", 0), ("urgent", 5), ("young", 0), ("idle", -1))
    }
    order = [jobs.claimed(ledger.database)[0].id for _ in ids]
    assert order == [ids["urgent"], ids["old"], ids["young"], ids["idle"]]


@pytest.mark.req("P-6.1")
def test_a_job_waits_for_its_moment(ledger: JobLedger) -> None:
    job = ledger.submit("test.hold", {})
    with ledger.database.write() as session:
        repository.row(session, job.id).available_at = clock.now() + timedelta(seconds=0.5)
    with pytest.raises(AssertionError, match="nothing to claim"):
        jobs.claimed(ledger.database)
    time.sleep(0.6)
    assert jobs.claimed(ledger.database)[0].id == job.id
