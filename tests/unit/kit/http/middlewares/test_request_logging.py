import logging

import pytest
import structlog
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from deepmed.kit.http.marks import mark_route
from deepmed.kit.http.middlewares.request_logging import RequestLoggingMiddleware
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.server_log import ForwardToOurs
from deepmed.kit.http.statistics import RequestStatistics

pytestmark = pytest.mark.usefixtures("logs_of_every_level")

CANARY = "canary-19c2"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    mark_route(scope, "/drawings/{name}")
    structlog.get_logger().info("inside", **structlog.contextvars.get_contextvars())
    await PlainTextResponse(CANARY)(scope, receive, send)


@pytest.fixture
def monitor() -> ResourceMonitor:
    return ResourceMonitor(RequestStatistics(), None)


@pytest.mark.req("P-9.1")
def test_a_request_has_one_id_in_the_answer_and_in_every_line(monitor: ResourceMonitor) -> None:
    client = TestClient(RequestLoggingMiddleware(answer, monitor))
    with capture_logs() as lines:
        first, second = client.get("/drawings/5"), client.get("/drawings/5")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    inside = [line["request_id"] for line in lines if line["event"] == "inside"]
    assert inside == [first.headers["x-request-id"], second.headers["x-request-id"]]
    assert [one.request_id for one in monitor.statistics.recent()] == inside[::-1]


@pytest.mark.req("S-13.1")
def test_a_line_has_the_route_and_no_value(monitor: ResourceMonitor) -> None:
    client = TestClient(RequestLoggingMiddleware(answer, monitor))
    headers = {"authorization": f"Bearer {CANARY}", "cookie": f"a={CANARY}"}
    with capture_logs() as lines:
        client.post(f"/drawings/{CANARY}?a={CANARY}", content=CANARY, headers=headers)
    line = next(line for line in lines if line["event"] == "request")
    assert (line["method"], line["route"], line["status"]) == ("POST", "/drawings/{name}", 200)
    assert line["milliseconds"] > 0
    assert CANARY not in str(lines)
    assert CANARY not in str(monitor.statistics.recent())


@pytest.mark.req("S-13.1")
def test_what_libraries_log_comes_without_the_values_of_an_error() -> None:
    handler = ForwardToOurs(logging.WARNING)
    log = logging.getLogger("a library of a test")
    log.addHandler(handler)
    with capture_logs() as lines:
        log.info("not this")
        log.warning("Refused %s", CANARY)
        log.error("It broke", exc_info=ValueError(CANARY))
    log.removeHandler(handler)
    assert [line["event"] for line in lines] == ["Refused %s", "It broke"]
    assert lines[1]["error_type"] == "ValueError"
    assert CANARY not in str(lines)
