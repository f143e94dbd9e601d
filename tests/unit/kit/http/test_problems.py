import re
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI, HTTPException, Query
from pydantic import BaseModel, field_validator
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from deepmed.kit import errors
from deepmed.kit.http.middlewares.errors import ErrorHandlingMiddleware
from deepmed.kit.http.middlewares.request_logging import RequestLoggingMiddleware
from deepmed.kit.http.problems import Problem, Problems
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.statistics import RequestStatistics

pytestmark = pytest.mark.usefixtures("logs_of_every_level")

CANARY = "canary-7f3a"
RAISED: dict[str, Exception] = {
    "not-found": errors.NotFoundError("There is no drawing 5."),
    "model": errors.ModelError("No model can be asked.", group="3-4"),
    "http": HTTPException(418, "A teapot.", headers={"X-Tea": "yes"}),
    "outrun": IntegrityError(f"INSERT {CANARY}", {"name": CANARY}, Exception(CANARY)),
    "unforeseen": ValueError(CANARY),
}


class Child(BaseModel):
    age: float
    name: str

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 3:
            raise ValueError("too long")
        return name


@pytest.fixture
def client(problems: Problems) -> TestClient:
    app = FastAPI()
    problems.install(app)
    for place in ("/contract", "/api/v1/jobs"):

        @app.get(f"{place}/raise/{{which}}")
        def failing(which: str) -> None:
            raise RAISED[which]

        @app.post(f"{place}/child")
        def child(child: Child, limit: Annotated[int, Query(le=9)] = 1) -> None: ...

        @app.post(f"{place}/secret")
        def secret(secret: Annotated[dict[str, float], Body()]) -> None: ...

    statistics = RequestStatistics()
    app.add_middleware(ErrorHandlingMiddleware, problems=problems, statistics=statistics)
    app.add_middleware(RequestLoggingMiddleware, resources=ResourceMonitor(statistics, None))
    return TestClient(app, base_url="http://localhost:8000")


@pytest.mark.req("P-3.1")
class TestContract:
    def test_an_endpoints_error_is_a_sentence(self, client: TestClient) -> None:
        answer = client.get("/contract/raise/not-found")
        assert (answer.status_code, answer.json()) == (404, {"detail": "There is no drawing 5."})
        answer = client.get("/contract/raise/http")
        assert (answer.status_code, answer.json()) == (418, {"detail": "A teapot."})
        assert answer.headers["x-tea"] == "yes"

    def test_our_own_failure_has_the_middlewares_form(self, client: TestClient) -> None:
        answer = client.get("/contract/raise/model")
        assert answer.status_code == 503
        assert answer.json() == {
            "detail": "No model can be asked.",
            "error": "No model can be asked.",
            "details": {"group": "3-4"},
            "type": "system_error",
            "request_id": answer.headers["x-request-id"],
        }

    def test_what_nobody_foresaw_tells_its_ids_and_no_more(self, client: TestClient) -> None:
        answer = client.get("/contract/raise/unforeseen")
        body = answer.json()
        assert answer.status_code == 500
        assert body["type"] == "internal_error"
        assert body["request_id"] == answer.headers["x-request-id"]
        assert answer.headers["x-error-id"] in body["error"]
        assert "ValueError" not in answer.text

    def test_a_wrong_form_is_a_list(self, client: TestClient) -> None:
        answer = client.post("/contract/child?limit=99", json={"age": "x", "name": CANARY})
        assert answer.status_code == 422
        found = answer.json()["detail"]
        assert [item["loc"] for item in found] == [
            ["query", "limit"],
            ["body", "age"],
            ["body", "name"],
        ]
        assert all(item.keys() == {"type", "loc", "msg", "input"} for item in found)

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999"])
    def test_what_json_cannot_write_is_not_echoed(self, client: TestClient, number: str) -> None:
        headers = {"content-type": "application/json"}
        text = f'{{"age": 5, "name": {number}}}'
        answer = client.post("/contract/child", content=text, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["input"] is None

    def test_an_unknown_address_is_a_sentence(self, client: TestClient) -> None:
        assert client.get("/contract/nowhere").json() == {"detail": "Not Found"}


@pytest.mark.req("P-3.1")
class TestElsewhere:
    @pytest.mark.parametrize(
        ("which", "status", "code"),
        [
            ("not-found", 404, "not_found"),
            ("model", 503, "model"),
            ("outrun", 409, "conflict"),
            ("unforeseen", 500, "internal_error"),
            ("http", 418, "i'm_a_teapot"),
        ],
    )
    def test_an_error_is_a_problem_of_rfc_9457(
        self, client: TestClient, which: str, status: int, code: str
    ) -> None:
        answer = client.get(f"/api/v1/jobs/raise/{which}")
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
        assert body.keys() >= {"type", "title", "detail", "instance"}
        assert body["error_id"] == answer.headers["x-error-id"]
        assert body["instance"].replace("-", "") == f"urn:uuid:{body['error_id']}"

    def test_a_wrong_form_lists_what_is_wrong(self, client: TestClient) -> None:
        body = client.post("/api/v1/jobs/child", json={"age": 4}).json()
        assert [item["loc"] for item in body["errors"]] == [["body", "name"]]

    def test_details_travel_with_it(self, client: TestClient) -> None:
        assert client.get("/api/v1/jobs/raise/model").json()["details"] == {"group": "3-4"}


@pytest.mark.req("P-3.1")
def test_the_log_has_the_same_id_and_the_place(client: TestClient) -> None:
    with capture_logs() as lines:
        answer = client.get("/api/v1/jobs/raise/unforeseen")
    failed = next(line for line in lines if line["event"] == "request failed")
    assert failed["error_id"] == answer.headers["x-error-id"]
    assert failed["error_type"] == "ValueError"
    assert any(re.search(r"test_problems\.py:\d+ failing", place) for place in failed["where"])
    request = next(line for line in lines if line["event"] == "request")
    assert request["error_id"] == answer.headers["x-error-id"]


@pytest.mark.req("S-13.1")
@pytest.mark.parametrize("place", ["/contract", "/api/v1/jobs"])
def test_no_value_of_a_request_is_in_a_body_or_in_the_log(client: TestClient, place: str) -> None:
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"{place}/raise/unforeseen?name={CANARY}", None),
        ("GET", f"{place}/raise/outrun", None),
        ("GET", f"{place}/raise/{CANARY}", None),  # a KeyError that quotes it
        ("POST", f"{place}/child?limit={CANARY}", {"age": CANARY, "name": CANARY}),
        ("POST", f"{place}/secret", {"password": CANARY}),
    ]
    with capture_logs() as lines:
        answers = [client.request(method, path, json=body) for method, path, body in calls]
    assert all(answer.status_code >= 400 for answer in answers)
    assert not [answer.text for answer in answers if CANARY in answer.text]
    assert CANARY not in str(lines)


def test_a_page_may_show_a_problem_to_a_browser(client: TestClient, problems: Problems) -> None:
    def page(_request: Request, problem: Problem) -> HTMLResponse:
        return HTMLResponse(f"<p>{problem.code}</p>", problem.status)

    problems.page = page
    html = {"accept": "text/html"}
    answer = client.get("/nowhere", headers=html)
    assert (answer.status_code, answer.text) == (404, "<p>not_found</p>")
    assert answer.headers["x-error-id"]
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"
    answer = client.get("/api/v1/nowhere", headers=html)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_librarys_error_is_translated() -> None:
    def translate(error: Exception) -> errors.DeepMedError | None:
        return errors.ConflictError("Translated.") if isinstance(error, KeyError) else None

    problems = Problems(lambda _path: True, translate)
    assert (
        problems.answer({"type": "http", "path": "/", "headers": []}, KeyError()).status_code == 409
    )
    assert (
        problems.answer({"type": "http", "path": "/", "headers": []}, ValueError()).status_code
        == 500
    )
