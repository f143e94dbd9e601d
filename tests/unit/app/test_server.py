import pytest
from starlette.testclient import TestClient

import deepmed
from deepmed.app.access import ROLES
from deepmed.app.contract import on_contract
from deepmed.app.server import create_app
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.kit.http.caller import Role
from deepmed.kit.settings import load
from factories import servers
from factories.job_kinds import BY_NAME
from factories.servers import oneself

ADDED = {"first": 1, "second": 2}
LIMITED = {"limits": "on", "max_concurrent_requests": 5, "rate_limits": "/ 60/1000/2"}


@pytest.fixture
def client(opened: Home) -> TestClient:
    return servers.client(opened)


class Recorder:
    """Stands beside the server and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")


def test_what_works_beside_the_server_starts_and_stops_with_it(opened: Home) -> None:
    beside = Recorder()
    with servers.client(opened, supervisor=beside) as client:
        assert beside.told == ["start"]
        ending = client.app.state.ending  # type: ignore[attr-defined]  # Starlette's type says ASGI
        assert not ending.is_set()
        assert client.get("/health").status_code == 200
    assert beside.told == ["start", "stop"]
    assert ending.is_set()


def test_a_program_gets_the_contracts_root_and_a_browser_the_dashboard(client: TestClient) -> None:
    assert client.get("/").json() == {
        "message": "DeepMed",
        "version": deepmed.__version__,
        "docs_url": "/docs",
    }


def test_the_description_of_the_interface_is_where_the_contract_says(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert described["info"]["version"] == deepmed.__version__
    assert "/api/v1/health" in described["paths"]


@pytest.mark.req("S-2.1")
def test_a_role_below_is_refused_through_all_of_the_server(opened: Home) -> None:
    viewer = servers.client(opened, role=Role.VIEWER)
    assert viewer.get("/api/v1/status").status_code == 200
    answer = viewer.post("/api/v1/alerts/thresholds", json={"cpu_percent": 5})
    assert answer.status_code == 403
    assert "administrator" in answer.json()["detail"]


@pytest.mark.req("P-9.1")
def test_local_mode_sets_no_limit(client: TestClient) -> None:
    answers = [client.get("/api/v1/metrics") for _ in range(100)]
    assert {answer.status_code for answer in answers} == {200}
    assert "x-ratelimit-reset" not in answers[0].headers


@pytest.mark.req("P-9.1")
def test_limits_come_from_the_settings(opened: Home) -> None:
    limited = Home(load(**LIMITED), opened.database, opened.owner_id)
    client = servers.client(limited)
    statuses = [client.get("/api/v1/metrics").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert {client.get("/health").status_code for _ in range(5)} == {200}
    assert client.app.state.resources.most == 5  # type: ignore[attr-defined]  # as above


@pytest.mark.req("P-9.1")
def test_sizes_come_from_the_settings(opened: Home) -> None:
    small = load(max_json_bytes=20, max_request_bytes=100, max_upload_bytes=1000)
    client = servers.client(Home(small, opened.database, opened.owner_id))
    answer = client.post("/api/v1/alerts/thresholds", json={"cpu_percent": 5.000000001})
    assert (answer.status_code, answer.json()["type"]) == (413, "json_too_large")
    answer = client.post("/api/v1/alerts/thresholds", content=b"x" * 101)
    assert (answer.status_code, answer.json()["type"]) == (413, "request_too_large")
    answer = client.post("/api/v1/drawings/batch/upload", content=b"x" * 101)
    assert answer.status_code != 413


@pytest.mark.req("P-9.1")
def test_who_listens_with_as_many_as_allowed_gets_no_further_stream(opened: Home) -> None:
    of_one = Home(load(max_listeners_per_person=1), opened.database, opened.owner_id)
    job = JobLedger(opened.database, opened.owner_id, BY_NAME).submit("test.add", ADDED)
    client = servers.client(of_one, kinds=BY_NAME)
    with client.websocket_connect("ws://localhost:8000/api/v1/ws"):
        answer = client.get(f"/api/v1/jobs/{job.id}/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert answer.json()["code"] == "too_many_listeners"


@pytest.mark.req("P-9.2")
@pytest.mark.parametrize(
    "query", ["select * from drawings", "<script>alert(1)</script>", "../../etc/passwd"]
)
def test_honest_text_is_not_refused_for_how_it_looks(client: TestClient, query: str) -> None:
    headers = {"user-agent": "a friendly bot, crawler and scanner"}
    answer = client.get("/api/v1/metrics", params={"note": query}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "contract"),
    [
        ("/api/v1/drawings/5", True),
        ("/api/v1/drawings", True),
        ("/health", True),
        ("/monitoring/logs", True),
        ("/api/v1/jobs/5", False),
        ("/api/v1/drawingsheet", False),
        ("/", False),
        ("/drawings/5", False),
    ],
)
def test_the_contracts_paths_are_known(path: str, *, contract: bool) -> None:
    assert on_contract(path) is contract


def test_more_can_be_added_before_the_roles_are_checked(opened: Home) -> None:
    app = create_app(
        opened,
        peers=oneself,
        prepare=lambda made: made.add_api_route("/extra", lambda: "extra"),
        roles={**ROLES, "GET /extra": Role.VIEWER},
    )
    answer = TestClient(app, base_url="http://localhost:8000").get("/extra")
    assert answer.json() == "extra"
