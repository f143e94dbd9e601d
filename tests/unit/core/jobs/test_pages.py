"""Jobs as people see them."""

import pytest

from deepmed.core.home import Home
from deepmed.core.jobs import repository
from deepmed.core.jobs.context import OWN_KINDS
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.pages import LOGGED, in_words, place_of
from deepmed.core.jobs.tables import Job, JobEvent
from factories import servers

BROWSER = {"accept": "text/html"}
DATA = {
    "attempt": 1,
    "text": "halfway",
    "error": {"message": "The disk is full."},
    "reason": "worker stopped",
}


@pytest.mark.parametrize("kind", sorted(LOGGED))
def test_every_event_of_the_log_has_words(kind: str) -> None:
    words = in_words(JobEvent(kind=kind, data=DATA))
    assert words.endswith((".", "halfway"))


def test_the_log_shows_all_that_the_ledger_writes_but_progress() -> None:
    assert OWN_KINDS - set(LOGGED) == {"progress"}


def submitted(home: Home) -> int:
    client = servers.client(home)
    return int(client.post("/drawings/analyze").json()["job_id"])


@pytest.mark.req("U-11.1")
def test_a_job_tells_what_it_does_and_offers_what_can_be_done(opened: Home) -> None:
    client, job = servers.client(opened), submitted(opened)
    with opened.database.write() as session:
        repository.append(session, job, "progress", {}, completed=3, total=4, message="Working")
    page = client.get(f"/jobs/{job}", headers=BROWSER).text
    assert '<progress value="3" max="4"' in page
    assert f"POST /api/v1/jobs/{job}/cancel" in page
    assert f'data-live="/api/v1/jobs/{job}/events"' in page
    JobLedger.of(opened).cancel(job)
    page = client.get(f"/jobs/{job}", headers=BROWSER).text
    assert f"POST /api/v1/jobs/{job}/retry" in page
    assert "data-live" not in page


def test_jobs_are_listed_by_state(opened: Home) -> None:
    client, job = servers.client(opened), submitted(opened)
    place = f'href="/jobs/{job}"'
    assert place in client.get("/jobs/part").text
    assert place in client.get("/jobs/part?state=queued").text
    assert place not in client.get("/jobs/part?state=failed").text
    assert place in client.get("/jobs/part?state=unheard").text
    assert "Analyse drawings" in client.get("/jobs/running").text


@pytest.mark.parametrize("place", ["", "/part"])
def test_a_stranger_finds_no_job(opened: Home, other_owner_id: int, place: str) -> None:
    job = submitted(opened)
    stranger = servers.client(opened.for_owner(other_owner_id))
    assert stranger.get(f"/jobs/{job}{place}", headers=BROWSER).status_code == 404
    assert f'href="/jobs/{job}"' not in stranger.get("/jobs/part").text


ANALYSE = ("/batches/{batch_id}", "/batches/{batch}")


@pytest.mark.req("U-7.2")
@pytest.mark.parametrize(
    ("payload", "result", "place"),
    [
        ({"batch": None}, None, None),
        ({"batch": "b1"}, None, "/batches/b1"),
        ({"batch": None}, {"batch_id": "b2"}, "/batches/b2"),
        ({"batch": "b1"}, {"batch_id": "../b2"}, "/batches/..%2Fb2"),
    ],
)
def test_a_job_leads_to_what_came_of_it_once_that_is_known(
    payload: dict[str, object], result: dict[str, object] | None, place: str | None
) -> None:
    job = Job(id=4, uid="f00", payload=payload, result=result)
    assert place_of(job, ANALYSE) == place
    assert place_of(job, "/models/training/{uid}") == "/models/training/f00"
    assert place_of(job, ()) is None
