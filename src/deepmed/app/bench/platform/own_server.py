"""A server and a worker in this process that know the benchmark's jobs; no other server does."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from threading import Thread
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from deepmed.app.access import ROLES
from deepmed.app.bench.platform.kinds import BY_NAME, known_to_children
from deepmed.app.opening import open_home
from deepmed.app.server import create_app
from deepmed.core.jobs.dependencies import Ledger
from deepmed.core.jobs.schemas import JobView
from deepmed.core.jobs.supervisor import Supervisor
from deepmed.core.jobs.tables import JobState
from deepmed.kit.errors import ResourceError
from deepmed.kit.http.caller import Role
from deepmed.kit.http.connections import RememberingProtocol
from deepmed.kit.settings import Settings

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.01
JOBS, SUBMIT = "/api/v1/jobs", "/api/v1/bench/{kind}"


@contextmanager
def own_server(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the server, which is reached over the network as any other."""
    with known_to_children(), open_home(settings) as home, closing(_listener()) as listener:
        app = create_app(
            home,
            supervisor=Supervisor(partial(open_home, settings), BY_NAME),
            kinds=BY_NAME,
            prepare=_add_route,
            roles={**ROLES, f"POST {SUBMIT}": Role.ADMINISTRATOR},
        )
        address = f"http://localhost:{listener.getsockname()[1]}"
        with (
            _running(app, listener),
            httpx.Client(base_url=address, timeout=60, trust_env=False) as client,
        ):
            yield client


def submit(client: httpx.Client, kind: str) -> int:
    """The new job's id."""
    return int(client.post(SUBMIT.format(kind=kind)).raise_for_status().json()["id"])


def job_when(client: httpx.Client, job_id: int, happened: str) -> dict[str, Any]:
    """The job as soon as it is `busy` or `over`."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit:
        job: dict[str, Any] = client.get(f"{JOBS}/{job_id}").raise_for_status().json()
        over = JobState(job["state"]).final
        if over or (happened == "busy" and job["completed"]):
            return job
        time.sleep(LOOK_SECONDS)
    raise ResourceError(f"Job {job_id} was not {happened} within {PATIENCE_SECONDS:.0f} s.")


def _add_route(app: FastAPI) -> None:
    @app.post(SUBMIT, status_code=202)
    def submit(ledger: Ledger, kind: str) -> JobView:
        return JobView.of(ledger.submit(kind, {}))


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


@contextmanager
def _running(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(app, http=RememberingProtocol, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listener],), name="bench server", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise ResourceError("The benchmark's own server did not start.")
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
