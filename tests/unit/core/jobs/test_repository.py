"""Claims and leases on each engine; what many do at once is in tests/integration/jobs."""

from collections.abc import Collection, Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from deepmed.app import open_home
from deepmed.core.jobs import endings, repository
from deepmed.core.jobs.fencing import Run
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job, JobEvent, JobState
from deepmed.kit import clock
from deepmed.kit.settings import Settings
from factories import jobs
from factories.job_kinds import BY_NAME


@pytest.fixture
def ledger(any_settings: Settings) -> Iterator[JobLedger]:
    with open_home(any_settings) as home:
        yield jobs.ledger_of(home)


def claim(
    ledger: JobLedger,
    queues: Collection[str] = ("default", "children"),
    kinds: Collection[str] = tuple(BY_NAME),
    only: int | None = None,
) -> Job | None:
    until = Run(0, "", 10).lease_until()
    with ledger.database.write_concurrently() as session:
        return repository.claim(session, "me", queues, kinds, lease_until=until, only=only)


@pytest.mark.req("P-6.1")
def test_a_claim_gives_a_run_with_a_token_and_a_lease(ledger: JobLedger) -> None:
    submitted = ledger.submit("test.hold", {})
    job = claim(ledger)
    assert job is not None
    assert (job.id, job.state, job.attempt, job.worker) == (submitted.id, JobState.RUNNING, 1, "me")
    assert len(job.token or "") == 32
    assert job.lease_until is not None
    assert 9 < (job.lease_until - clock.now()).total_seconds() <= 10
    assert job.started_at is not None
    assert jobs.kinds_of_events(ledger.database, job.id) == ["queued", "started"]
    assert claim(ledger) is None


@pytest.mark.req("P-6.1")
def test_each_run_has_a_token_of_its_own(ledger: JobLedger) -> None:
    ledger.submit("test.hold", {})
    first = claim(ledger)
    assert first is not None
    with ledger.database.write() as session:
        endings.give_back(session, first)
    second = claim(ledger)
    assert second is not None
    assert second.id == first.id
    assert second.token != first.token


@pytest.mark.req("P-6.1")
def test_only_queues_and_kinds_that_were_asked_for_are_claimed(ledger: JobLedger) -> None:
    ledger.submit("test.hold", {})
    apart = ledger.submit("test.child", {})
    assert claim(ledger, queues=["elsewhere"]) is None
    assert claim(ledger, kinds=["test.add"]) is None
    assert claim(ledger, only=999) is None
    found = claim(ledger, only=apart.id)
    assert found is not None
    assert found.id == apart.id
    assert claim(ledger, queues=["children"]) is None


def test_a_cheap_look_tells_which_queues_have_work(ledger: JobLedger) -> None:
    ledger.submit("test.hold", {})
    ledger.submit("test.child", {})
    with ledger.database.read() as session:
        assert repository.waiting(session, ["default", "children"], BY_NAME) == {
            "default",
            "children",
        }
        assert repository.waiting(session, ["children"], BY_NAME) == {"children"}
        assert repository.waiting(session, ["children"], ["test.hold"]) == set()


@pytest.mark.req("P-6.3")
def test_a_job_whose_lease_expired_is_taken_up_with_a_new_token_as_another_attempt(
    ledger: JobLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "pause_after", lambda _: 0.0)
    ledger.submit("test.hold", {})
    first = claim(ledger)
    assert first is not None
    jobs.expire(ledger.database, first.id)
    recover(ledger)
    again = claim(ledger)
    assert again is not None
    assert (again.id, again.attempt) == (first.id, 2)
    assert again.token != first.token


@pytest.mark.req("P-6.3")
def test_after_its_last_attempt_a_lost_job_has_failed_and_says_why(ledger: JobLedger) -> None:
    ledger.submit("test.brittle", {})
    job = claim(ledger)
    assert job is not None
    jobs.expire(ledger.database, job.id)
    recover(ledger)
    failed = jobs.job_of(ledger.database, job.id)
    assert failed.state == JobState.FAILED
    assert (failed.error or {})["code"] == "worker_died"
    assert (failed.error or {})["attempts"] == 1
    assert "not heard of" in (failed.error or {})["message"]
    assert jobs.kinds_of_events(ledger.database, job.id)[-1] == "failed"


@pytest.mark.req("P-6.3")
def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(ledger: JobLedger) -> None:
    ledger.submit("test.hold", {})
    job = claim(ledger)
    assert job is not None
    ledger.cancel(job.id)
    jobs.expire(ledger.database, job.id)
    recover(ledger)
    assert jobs.job_of(ledger.database, job.id).state == JobState.CANCELLED


def test_a_living_run_is_not_taken_for_lost(ledger: JobLedger) -> None:
    ledger.submit("test.hold", {})
    claim(ledger)
    with ledger.database.write_concurrently() as session:
        assert not repository.any_expired(session, clock.now())
        assert list(repository.expired(session, clock.now())) == []


@pytest.mark.req("P-6.1")
def test_a_heartbeat_prolongs_the_leases_that_are_still_ours(ledger: JobLedger) -> None:
    for _ in range(2):
        ledger.submit("test.hold", {})
    ours, others = claim(ledger), claim(ledger)
    assert ours is not None
    assert others is not None
    later = Run(0, "", 100).lease_until()
    with ledger.database.write_concurrently() as session:
        repository.renew(session, {ours.id: ours.token or "", others.id: "0" * 32}, later)
        repository.renew(session, {}, later)
    assert jobs.job_of(ledger.database, ours.id).lease_until == later
    assert jobs.job_of(ledger.database, others.id).lease_until == others.lease_until


@pytest.mark.req("P-6.1")
def test_a_condition_that_fails_changes_nothing_and_records_nothing(ledger: JobLedger) -> None:
    job = ledger.submit("test.hold", {})
    with ledger.database.write() as session:
        running = Job.state == JobState.RUNNING.value
        assert repository.append(session, job.id, "note", {}, running, total=7) is None
    unchanged = jobs.job_of(ledger.database, job.id)
    assert (unchanged.total, unchanged.last_sequence) == (0, 1)
    assert jobs.kinds_of_events(ledger.database, job.id) == ["queued"]


@pytest.mark.req("P-6.3")
def test_the_database_itself_refuses_a_second_event_of_one_number(ledger: JobLedger) -> None:
    job = ledger.submit("test.hold", {})
    with pytest.raises(IntegrityError), ledger.database.write() as session:
        session.add(JobEvent(job_id=job.id, sequence=1, kind="note", data={}))


@pytest.mark.req("P-6.3")
def test_the_database_itself_refuses_a_run_without_a_token(ledger: JobLedger) -> None:
    job = ledger.submit("test.hold", {})
    with pytest.raises(IntegrityError), ledger.database.write() as session:
        repository.row(session, job.id).state = JobState.RUNNING.value


@pytest.mark.req("P-6.1")
def test_a_limited_queue_has_room_for_so_many(ledger: JobLedger) -> None:
    for _ in range(2):
        ledger.submit("test.hold_alone", {})
    with ledger.database.write_concurrently() as session:
        repository.know_queue(session, "alone")
        repository.know_queue(session, "alone")
    assert room(ledger, 1) == {"alone"}
    claim(ledger, queues=["alone"])
    assert room(ledger, 1) == set()
    assert room(ledger, 2) == {"alone"}


def test_of_a_new_listener_only_what_came_since_is_told(ledger: JobLedger) -> None:
    job = ledger.submit("test.hold", {})
    moment = clock.now()
    claim(ledger)
    with ledger.database.read() as session:
        assert repository.last_before(session, job.id, moment) == 1
        assert repository.last_before(session, job.id, moment.replace(year=2000)) == 0
        assert repository.changed(session, ledger.owner_id, moment) == {job.id: 2}
        assert repository.changed(session, ledger.owner_id + 1, moment) == {}


def recover(ledger: JobLedger) -> None:
    moment = clock.now()
    with ledger.database.write_concurrently() as session:
        assert repository.any_expired(session, moment)
        for job in repository.expired(session, moment):
            endings.recover(session, job)


def room(ledger: JobLedger, limit: int) -> set[str]:
    with ledger.database.write_concurrently() as session:
        return repository.with_room(session, {"alone": limit})
