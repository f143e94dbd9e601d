import time

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from deepmed.kit.http.buckets import Buckets, RateRule
from deepmed.kit.http.caller import Caller, Role
from deepmed.kit.http.middlewares.rate_limits import RateLimitMiddleware
from deepmed.kit.http.problems import Problems


@pytest.fixture
def client(problems: Problems) -> TestClient:
    """Two requests at once, for whoever the header X-Owner names."""

    async def done(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("done")(scope, receive, send)

    limited = RateLimitMiddleware(
        done,
        Buckets({"/contract": RateRule(6, 50, 2), "/other": RateRule(6, 50, 2)}),
        problems,
        exempt=lambda scope: scope["path"] == "/contract/health",
    )

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        owner = dict(scope["headers"]).get(b"x-owner", b"1")
        scope["deepmed_caller"] = Caller(int(owner), "test", Role.VIEWER)
        await limited(scope, receive, send)

    return TestClient(identified)


@pytest.mark.req("P-9.1")
def test_an_excess_has_the_contracts_body_and_headers(client: TestClient) -> None:
    answers = [client.get("/contract/x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[2]
    body = refused.json()
    assert body["type"] == "rate_limit_exceeded"
    assert body["error"]
    assert body["message"]
    assert body["retry_after"] == 60
    assert body["limits"] == {"per_minute": 6, "per_hour": 50}
    assert body["remaining"] == {"per_minute": 4, "per_hour": 48}
    assert time.time() <= body["reset_time"] <= time.time() + 11
    headers = refused.headers
    assert headers["retry-after"] == "60"
    assert headers["x-ratelimit-limit-minute"] == "6"
    assert headers["x-ratelimit-limit-hour"] == "50"
    assert headers["x-ratelimit-remaining-minute"] == "4"
    assert headers["x-ratelimit-remaining-hour"] == "48"
    assert headers["x-ratelimit-reset"] == str(body["reset_time"])


@pytest.mark.req("P-9.1")
def test_the_first_request_is_served_and_says_what_is_left(client: TestClient) -> None:
    answer = client.get("/contract/x")
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-limit-minute"] == "6"
    assert answer.headers["x-ratelimit-remaining-minute"] == "5"
    assert int(answer.headers["x-ratelimit-reset"]) <= time.time() + 1


@pytest.mark.req("P-9.2")
@pytest.mark.parametrize("agent", ["Googlebot", "crawler", "spider", "scraper", "sqlmap scanner"])
def test_nobody_is_refused_for_the_name_of_the_program(client: TestClient, agent: str) -> None:
    assert client.get("/contract/x", headers={"user-agent": agent}).status_code == 200


def test_the_name_of_the_program_opens_no_second_bucket(client: TestClient) -> None:
    answers = [client.get("/contract/x", headers={"user-agent": str(n)}) for n in range(3)]
    assert answers[2].status_code == 429


def test_everybody_has_a_bucket_of_their_own(client: TestClient) -> None:
    for _ in range(3):
        client.get("/contract/x")
    assert client.get("/contract/x", headers={"x-owner": "2"}).status_code == 200


def test_exempt_and_unnamed_paths_are_not_counted(client: TestClient) -> None:
    for path in ("/contract/health", "/unnamed"):
        answers = [client.get(path) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert "x-ratelimit-reset" not in answers[0].headers


def test_elsewhere_it_is_a_problem(client: TestClient) -> None:
    answer = [client.get("/other") for _ in range(3)][2]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["retry_after"] == 60
