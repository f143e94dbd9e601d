"""Jobs over HTTP, through the whole application and a real database."""

import os
from collections.abc import Callable, Iterator
from threading import Timer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from deepmed.core.events import feed, push
from deepmed.core.home import Home
from deepmed.core.jobs import endings, repository, streams
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import Job, JobState
from factories import jobs
from factories.job_kinds import BY_NAME
from factories.servers import client

WS = "ws://localhost:8000/api/v1/ws"
SUM = {"first": 1, "second": 2}
PATHS = [
    ("GET", "/api/v1/jobs"),
    ("GET", "/api/v1/jobs/{id}"),
    ("POST", "/api/v1/jobs/{id}/cancel"),
    ("POST", "/api/v1/jobs/{id}/retry"),
    ("GET", "/api/v1/jobs/{id}/events"),
]
OF_ONE = PATHS[1:]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAUSE", 0.02)
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.1)
    monkeypatch.setattr(push, "KEEP_ALIVE_SECONDS", 0.1)


@pytest.fixture
def web(opened: Home) -> Iterator[TestClient]:
    with client(opened, kinds=BY_NAME) as made:
        yield made


@pytest.fixture
def done(ledger: JobLedger) -> Job:
    """A job with four events, the last of which is its end."""
    job = ledger.submit("test.add", SUM)
    claimed, _ = jobs.claimed(ledger.database)
    with ledger.database.write() as session:
        repository.append(session, job.id, "log", {"text": "two\nlines"})
        endings.succeed(session, claimed.id, {"sum": 3})
    return jobs.job_of(ledger.database, job.id)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_another_user_of_the_machine_is_refused(
    opened: Home, ledger: JobLedger, method: str, path: str
) -> None:
    job = ledger.submit("test.add", SUM)
    stranger = client(opened, kinds=BY_NAME, peers=lambda *_: os.geteuid() + 1)
    assert stranger.request(method, path.format(id=job.id)).status_code == 403
    assert jobs.job_of(opened.database, job.id).last_sequence == 1


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_another_owners_job_is_not_found(
    web: TestClient, ledger: JobLedger, other_owner_id: int, method: str, path: str
) -> None:
    theirs = JobLedger(ledger.database, other_owner_id, BY_NAME).submit("test.add", SUM)
    assert web.request(method, path.format(id=theirs.id)).status_code == 404
    assert web.get("/api/v1/jobs").json()["jobs"] == []
    assert jobs.job_of(ledger.database, theirs.id).last_sequence == 1


@pytest.mark.parametrize(("method", "path"), OF_ONE)
@pytest.mark.parametrize("job_id", ["0", "-3", "99999999999999999999"])
def test_an_id_of_no_job_is_not_found(web: TestClient, method: str, path: str, job_id: str) -> None:
    assert web.request(method, path.format(id=job_id)).status_code == 404


@pytest.mark.parametrize(
    "query", ["state=done", "limit=0", "limit=501", "before=0", "before=soon", "limit=many"]
)
def test_a_list_with_a_wrong_parameter_is_refused(web: TestClient, query: str) -> None:
    assert web.get(f"/api/v1/jobs?{query}").status_code == 422


def test_jobs_are_listed_page_by_page(web: TestClient, ledger: JobLedger, done: Job) -> None:
    for _ in range(3):
        ledger.submit("test.hold", {})
    first = web.get("/api/v1/jobs?limit=3").json()
    assert [job["id"] for job in first["jobs"]] == [4, 3, 2]
    second = web.get(f"/api/v1/jobs?limit=3&before={first['next_before']}").json()
    assert [job["id"] for job in second["jobs"]] == [done.id]
    assert second["next_before"] is None
    assert [job["id"] for job in web.get("/api/v1/jobs?state=succeeded").json()["jobs"]] == [1]
    assert web.get("/api/v1/jobs?before=99999999999999999999").status_code in {200, 422}


@pytest.mark.req("P-6.3")
def test_a_job_shows_its_progress_and_when_it_will_be_done(
    web: TestClient, ledger: JobLedger
) -> None:
    job = ledger.submit("test.add", SUM)
    waiting = web.get(f"/api/v1/jobs/{job.id}").json()
    assert (waiting["state"], waiting["eta_seconds"], waiting["payload"]) == ("queued", None, SUM)
    _, run = jobs.claimed(ledger.database)
    with ledger.database.write() as session:
        repository.append(
            session, job.id, "progress", {}, completed=1, total=4, expected_at=run.lease_until()
        )
    running = web.get(f"/api/v1/jobs/{job.id}").json()
    assert (running["state"], running["completed"], running["total"]) == ("running", 1, 4)
    assert 5 < running["eta_seconds"] <= run.lease
    assert "token" not in running, "nobody needs it outside"


def test_a_job_is_cancelled_and_retried(web: TestClient, ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    cancelled = web.post(f"/api/v1/jobs/{job.id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    retried = web.post(f"/api/v1/jobs/{job.id}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "queued")
    refused = web.post(f"/api/v1/jobs/{job.id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_what_has_ended_cannot_be_cancelled(web: TestClient, done: Job) -> None:
    assert web.post(f"/api/v1/jobs/{done.id}/cancel").status_code == 409


def events_in(text: str) -> list[dict[str, str]]:
    """Server-sent events, read as a browser reads them."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


@pytest.mark.req("P-6.3")
def test_the_stream_tells_all_in_order_and_ends_with_the_job(web: TestClient, done: Job) -> None:
    answer = web.get(f"/api/v1/jobs/{done.id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = events_in(answer.text)
    assert [event["id"] for event in told] == ["1", "2", "3", "4"]
    assert [event["event"] for event in told] == ["queued", "started", "log", "succeeded"]
    assert '"text":"two\\nlines"' in told[2]["data"]


@pytest.mark.req("P-6.3")
@pytest.mark.parametrize(
    ("query", "header"), [("?after=2", None), ("", "2"), ("?after=1", "2"), ("?after=4", "2")]
)
def test_the_stream_goes_on_after_the_last_event_that_one_has(
    web: TestClient, done: Job, query: str, header: str | None
) -> None:
    headers = {} if header is None else {"Last-Event-ID": header}
    answer = web.get(f"/api/v1/jobs/{done.id}/events{query}", headers=headers)
    assert [event["id"] for event in events_in(answer.text)] == ["3", "4"]


def test_a_browser_that_has_all_is_told_not_to_come_back(web: TestClient, done: Job) -> None:
    answer = web.get(f"/api/v1/jobs/{done.id}/events?after={done.last_sequence}")
    assert answer.status_code == 204


@pytest.mark.parametrize("cursor", ["-1", "x", "1.5", "5", "99999999999999999999", "²"])
@pytest.mark.parametrize("by_header", [True, False])
def test_a_bad_cursor_is_refused(
    web: TestClient, done: Job, cursor: str, *, by_header: bool
) -> None:
    path = f"/api/v1/jobs/{done.id}/events"
    if by_header:
        answer = web.get(path, headers={b"Last-Event-ID": cursor.encode()})
    else:
        answer = web.get(path, params={"after": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation")


@pytest.mark.req("P-6.3")
def test_an_open_stream_is_kept_alive_and_tells_what_comes(
    web: TestClient, opened: Home, ledger: JobLedger
) -> None:
    job = ledger.submit("test.hold", {})
    settings = opened.settings
    with jobs.working(settings):
        later((settings.home / "go").touch, 0.5)
        text = web.get(f"/api/v1/jobs/{job.id}/events").text
    assert ": nothing new\n\n" in text
    assert [event["event"] for event in events_in(text)] == ["queued", "started", "succeeded"]


@pytest.mark.req("P-6.3")
def test_a_stream_goes_on_over_a_retry(web: TestClient, ledger: JobLedger) -> None:
    job = ledger.submit("test.add", SUM)
    ledger.cancel(job.id)
    ledger.retry(job.id)
    later(lambda: ledger.cancel(job.id), 0.3)
    told = events_in(web.get(f"/api/v1/jobs/{job.id}/events").text)
    assert [event["event"] for event in told] == ["queued", "cancelled", "queued", "cancelled"]


@pytest.mark.req("P-10.1")
def test_a_websocket_sends_envelopes_from_where_one_was(web: TestClient, done: Job) -> None:
    with web.websocket_connect(f"{WS}?after={done.id}:2") as socket:
        first, second = socket.receive_json(), socket.receive_json()
    assert set(first) == {"type", "timestamp", "data"}
    assert [first["type"], second["type"]] == ["job.log", "job.succeeded"]
    assert first["data"]["job_id"] == done.id
    assert [first["data"]["sequence"], second["data"]["sequence"]] == [3, 4]
    assert first["data"]["data"] == {"text": "two\nlines"}


@pytest.mark.req("P-10.1")
def test_without_a_cursor_a_websocket_sends_all_that_comes_from_now_on(
    web: TestClient, ledger: JobLedger, done: Job, other_owner_id: int
) -> None:
    waiting = ledger.submit("test.add", SUM)
    with web.websocket_connect(WS) as socket:
        JobLedger(ledger.database, other_owner_id, BY_NAME).submit("test.add", SUM)
        fresh = ledger.submit("test.add", SUM)
        assert told(socket) == (fresh.id, 1, "job.queued")
        ledger.cancel(waiting.id)
        assert told(socket) == (waiting.id, 2, "job.cancelled")


@pytest.mark.req("P-10.1")
def test_what_a_client_sends_reaches_nobody(web: TestClient, ledger: JobLedger) -> None:
    with (
        web.websocket_connect(WS) as one,
        web.websocket_connect(WS) as two,
    ):
        one.send_text('{"type": "job.succeeded", "timestamp": "now", "data": {}}')
        one.send_bytes(b"\x00")
        job = ledger.submit("test.add", SUM)
        assert told(one) == told(two) == (job.id, 1, "job.queued")


@pytest.mark.req("P-10.1")
@pytest.mark.parametrize(
    "cursors", ["x", "1", "1:x", ":1", "1:-1", "1:9", "77:0", "1:0,,", ",".join(["1:0"] * 101)]
)
def test_a_websocket_with_a_bad_cursor_is_closed(web: TestClient, done: Job, cursors: str) -> None:
    assert closing_code(web, cursors) == 1008


@pytest.mark.req("P-10.1")
def test_another_owners_job_cannot_be_listened_to(
    web: TestClient, ledger: JobLedger, other_owner_id: int
) -> None:
    theirs = JobLedger(ledger.database, other_owner_id, BY_NAME).submit("test.add", SUM)
    assert closing_code(web, f"{theirs.id}:0") == 1008


def closing_code(web: TestClient, cursors: str) -> int:
    with (
        web.websocket_connect(f"{WS}?after={cursors}") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_json()
    return closed.value.code


def told(socket: Any) -> tuple[int, int, str]:
    message = socket.receive_json()
    return message["data"]["job_id"], message["data"]["sequence"], message["type"]


def later(deed: Callable[[], object], seconds: float) -> None:
    Timer(seconds, deed).start()


def test_states_are_those_of_the_ledger(web: TestClient) -> None:
    schema = web.get("/api/v1/openapi.json").json()["components"]["schemas"]["JobState"]
    assert set(schema["enum"]) == set(JobState)
