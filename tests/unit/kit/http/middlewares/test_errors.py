import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from deepmed.kit.http.middlewares.errors import CutOffError, ErrorHandlingMiddleware
from deepmed.kit.http.middlewares.request_logging import RequestLoggingMiddleware
from deepmed.kit.http.middlewares.security_headers import SecurityHeadersMiddleware
from deepmed.kit.http.problems import Problems
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.statistics import RequestStatistics

pytestmark = pytest.mark.usefixtures("logs_of_every_level")


async def breaks_off(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ValueError("a value of a person")


async def breaks(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("a value of a person")


@pytest.fixture
def statistics() -> RequestStatistics:
    return RequestStatistics()


def test_half_an_answer_does_not_end_like_a_whole_one(
    problems: Problems, statistics: RequestStatistics
) -> None:
    app = ErrorHandlingMiddleware(breaks_off, problems, statistics)
    with capture_logs() as lines, pytest.raises(CutOffError) as end:
        TestClient(app).get("/")
    assert end.value.__cause__ is None
    assert end.value.__suppress_context__
    assert "a value" not in str(lines)


@pytest.mark.req("P-9.1")
def test_errors_are_counted_where_they_are_handled(
    problems: Problems, statistics: RequestStatistics
) -> None:
    handling = ErrorHandlingMiddleware(breaks, problems, statistics)
    client = TestClient(RequestLoggingMiddleware(handling, ResourceMonitor(statistics, None)))
    assert client.get("/").status_code == 500
    assert handling.get_error_stats()["by_code"] == {"internal_error": 1}


def test_security_headers_are_on_errors_too(
    problems: Problems, statistics: RequestStatistics
) -> None:
    app = SecurityHeadersMiddleware(ErrorHandlingMiddleware(breaks, problems, statistics))
    headers = TestClient(app).get("/").headers
    policy = headers["content-security-policy"].split("; ")
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not [part for part in policy if "unsafe-eval" in part]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
