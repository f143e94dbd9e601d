"""At most so many requests at a time (P-9)."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from deepmed.kit.http.middlewares.request_logging import RequestLoggingMiddleware
from deepmed.kit.http.middlewares.resource_monitoring import ResourceMonitoringMiddleware
from deepmed.kit.http.problems import Problems
from deepmed.kit.http.resources import ResourceMonitor
from deepmed.kit.http.statistics import RequestStatistics


class Server:
    """Two slow routes, of which a test says when they go on."""

    def __init__(self, problems: Problems, most: int | None) -> None:
        self.begun, self.go_on = Event(), Event()
        self.resources = ResourceMonitor(RequestStatistics(), most)
        app = FastAPI()
        problems.install(app)

        @app.get("/contract/slow")
        def slow() -> str:
            self.begun.set()
            assert self.go_on.wait(10)
            return "done"

        @app.get("/contract/quick")
        @app.get("/health")
        def quick() -> str:
            return "done"

        @app.get("/events")
        def events() -> StreamingResponse:
            return StreamingResponse(self._events(), media_type="text/event-stream")

        app.add_middleware(
            ResourceMonitoringMiddleware,
            resources=self.resources,
            problems=problems,
            exempt=lambda scope: scope["path"] == "/health",
        )
        app.add_middleware(RequestLoggingMiddleware, resources=self.resources)
        self.client = TestClient(app)

    def _events(self) -> Iterator[str]:
        yield "data: 1\n\n"
        self.begun.set()
        assert self.go_on.wait(10)

    @contextmanager
    def busy(self, path: str) -> Iterator[None]:
        """While one request is in work."""
        with self.client, ThreadPoolExecutor(1) as pool:
            answer = pool.submit(self.client.get, path)
            assert self.begun.wait(10)
            try:
                yield
            finally:
                self.go_on.set()
            assert answer.result().status_code == 200


@pytest.fixture
def serve(problems: Problems) -> Callable[[int | None], Server]:
    return lambda most: Server(problems, most)


@pytest.mark.req("P-9.1")
def test_one_too_many_is_told_when_to_come_again(
    serve: Callable[[int | None], Server],
) -> None:
    server = serve(1)
    with server.busy("/contract/slow"):
        answer = server.client.get("/contract/quick")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        body = answer.json()
        assert body.pop("error")
        assert body == {
            "active_requests": 1,
            "queued_requests": 0,
            "retry_after": 30,
            "type": "resource_limit",
        }
        assert server.client.get("/health").status_code == 200
    assert server.client.get("/contract/quick").status_code == 200


@pytest.mark.req("P-9.1")
def test_without_a_limit_all_are_served(serve: Callable[[int | None], Server]) -> None:
    server = serve(None)
    with server.busy("/contract/slow"):
        assert server.client.get("/contract/quick").status_code == 200


def test_a_stream_of_events_holds_no_place(serve: Callable[[int | None], Server]) -> None:
    server = serve(1)
    with server.busy("/events"):
        assert server.client.get("/contract/quick").status_code == 200
    assert server.client.get("/contract/quick").status_code == 200


@pytest.mark.req("P-9.1")
def test_the_process_is_watched(serve: Callable[[int | None], Server]) -> None:
    server = serve(7)
    with server.busy("/contract/slow"):
        found = server.resources.summary()
    assert (found["active_requests"], found["max_concurrent"]) == (1, 7)
    with open(f"/proc/{os.getpid()}/statm") as pages:  # noqa: PTH123 - as the kernel says it
        resident = int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert found["rss_bytes"] == pytest.approx(resident, rel=0.2)
    assert server.resources.summary()["active_requests"] == 0
