"""Jobs beside a real `deepmed serve`: killed, and listened to over its ports."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.core.jobs.tables import JobState
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.sinks import DatabaseSink
from deepmed.kit.settings import Settings
from deepmed.learning.classification.events import EventStream
from factories import jobs
from factories.jobs import ended, gone, job_of, marked_pid, until
from factories.servers import RunningServer, running_server


@pytest.fixture
def server(home: Path, ledger: JobLedger) -> Iterator[RunningServer]:
    with running_server(home) as started:
        yield started


def listen(server: RunningServer, job_id: int, after: int, count: int | None) -> list[int]:
    """Numbers of the events that a stream tells, which is left after so many."""
    address = f"{server.address}/api/v1/jobs/{job_id}/events"
    request = urllib.request.Request(address, headers={"Last-Event-ID": str(after)})  # noqa: S310 - ours
    numbers: list[int] = []
    with urllib.request.urlopen(request, timeout=20) as stream:  # noqa: S310 - ours
        for line in stream:
            if line.startswith(b"id: "):
                numbers.append(int(line[4:]))
            if len(numbers) == count:
                break
    return numbers


@pytest.mark.req("P-6.3")
def test_a_stream_that_breaks_off_again_and_again_has_no_gap(
    server: RunningServer, ledger: JobLedger
) -> None:
    job = ledger.submit("test.steps", {"count": 8, "seconds": 0.3})
    numbers: list[int] = []
    while True:
        told = listen(server, job.id, len(numbers), count=3)
        numbers += told
        if len(told) < 3:
            break
    assert numbers == list(range(1, job_of(ledger.database, job.id).last_sequence + 1))
    assert job_of(ledger.database, job.id).state == JobState.SUCCEEDED


@pytest.mark.req("P-10.1")
@pytest.mark.parametrize("own_port", [True, False])
def test_both_ports_push_the_same_envelopes(
    server: RunningServer, opened: Home, ledger: JobLedger, *, own_port: bool
) -> None:
    port = server.push_port if own_port else server.port
    with connect(f"ws://localhost:{port}/{'' if own_port else 'api/v1/ws'}") as socket:
        job = ledger.submit("test.add", {"first": 1, "second": 1})
        messages = [json.loads(socket.recv(timeout=10)) for _ in range(3)]
        run = DBOperationsUtils(opened).create_training_run("nowhere", "lungs", {})
        said = EventStream([DatabaseSink(opened.database, run)]).emit("training_start", {"a": 1})
        assert json.loads(socket.recv(timeout=10)) == {
            "type": "training_start",
            "timestamp": said.timestamp,
            "data": {"a": 1, "run_id": run, "sequence": 0},
        }
        socket.send('{"type": "ping"}')
        assert json.loads(socket.recv(timeout=10))["type"] == "pong"
    assert [message["type"] for message in messages] == [
        "job.queued",
        "job.started",
        "job.succeeded",
    ]
    assert all(set(message) == {"type", "timestamp", "data"} for message in messages)
    assert [message["data"]["sequence"] for message in messages] == [1, 2, 3]
    assert {message["data"]["job_id"] for message in messages} == {job.id}


@pytest.mark.req("P-6.3")
def test_a_killed_server_loses_nothing_and_the_next_one_goes_on(
    home: Path, ledger: JobLedger, settings: Settings
) -> None:
    job = ledger.submit("test.steps", {"count": 40, "seconds": 0.05})
    with running_server(home) as server:
        child = marked_pid(settings.home, job.id)
        until(lambda: job_of(ledger.database, job.id).completed >= 1)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        until(lambda: gone(child), 5)
    accepted = ledger.submit("test.add", {"first": 1, "second": 1})
    jobs.expire(ledger.database, job.id)
    with running_server(home):
        done = ended(ledger.database, job.id)
        ended(ledger.database, accepted.id)
    assert (done.state, (done.result or {})["attempt"]) == (JobState.SUCCEEDED, 2)
    assert (done.result or {})["begun_at"] >= 1
    assert jobs.traces(ledger.database) == {job.id: 1, accepted.id: 1}
    assert jobs.is_gapless(ledger.database, job.id)


@pytest.mark.req("P-6.1")
def test_a_server_that_is_ended_gives_its_jobs_back(
    home: Path, ledger: JobLedger, settings: Settings
) -> None:
    job = ledger.submit("test.child", {})
    with running_server(home):
        marked_pid(settings.home, job.id)
    now = job_of(ledger.database, job.id)
    assert (now.state, now.attempt) == (JobState.QUEUED, 0)
