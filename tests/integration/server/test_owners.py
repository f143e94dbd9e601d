"""Another's jobs are not found, whatever is asked of them (S-3)."""

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from factories import servers
from factories.job_kinds import BY_NAME, Sum


@pytest.fixture
def job_id(opened: Home) -> int:
    ledger = JobLedger.of(opened, BY_NAME)
    kind = next(name for name, kind in BY_NAME.items() if kind.payload is Sum)
    return ledger.submit(kind, {"first": 1, "second": 2}).id


@pytest.fixture
def stranger(opened: Home, other_owner_id: int) -> TestClient:
    """Somebody else, who was let in."""
    return servers.client(opened.for_owner(other_owner_id), kinds=BY_NAME)


@pytest.fixture
def client(opened: Home) -> TestClient:
    return servers.client(opened, kinds=BY_NAME)


@pytest.mark.req("S-3.1")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/jobs/{}"),
        ("POST", "/api/v1/jobs/{}/cancel"),
        ("POST", "/api/v1/jobs/{}/retry"),
        ("GET", "/api/v1/jobs/{}/events"),
    ],
)
def test_another_owners_job_is_not_found(
    stranger: TestClient, client: TestClient, job_id: int, method: str, path: str
) -> None:
    answer = stranger.request(method, path.format(job_id))
    missing = stranger.request(method, path.format(job_id + 1000))
    assert answer.status_code == missing.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    # Nothing tells it from one that never was.
    told = [
        one.json()["detail"].replace(str(number), "N")
        for one, number in ((answer, job_id), (missing, job_id + 1000))
    ]
    assert told[0] == told[1]
    assert client.get(f"/api/v1/jobs/{job_id}").json()["state"] == "queued"


@pytest.mark.req("S-3.1")
def test_another_owners_jobs_are_not_listed(
    stranger: TestClient, client: TestClient, job_id: int
) -> None:
    assert [job["id"] for job in client.get("/api/v1/jobs").json()["jobs"]] == [job_id]
    assert stranger.get("/api/v1/jobs").json()["jobs"] == []


@pytest.mark.req("S-3.1")
def test_another_owners_events_are_not_pushed(stranger: TestClient, job_id: int) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as end,
        stranger.websocket_connect(f"ws://localhost:8000/api/v1/ws?after={job_id}:0") as socket,
    ):
        socket.receive_json()
    assert end.value.code == 1008
