"""What listeners of a training hear: all of it, in order, theirs alone (X-9, P-10)."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from deepmed.app import open_home
from deepmed.core.accounts.tables import Owner
from deepmed.core.events import feed
from deepmed.core.home import Home
from deepmed.core.jobs.errors import JobCancelled
from deepmed.features.xray.messages.sender import MetricsWebSocketSender
from deepmed.features.xray.runs import repository
from deepmed.features.xray.runs.database_operations import DBOperationsUtils
from deepmed.features.xray.runs.sinks import DatabaseSink
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import ValidationError
from deepmed.kit.ids import new_uid
from deepmed.learning.classification.events import EVENT_TYPES, EventStream, RunFacts
from factories.servers import client
from factories.xray import small

WS = "ws://localhost:8000/api/v1/ws"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAUSE", 0.02)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Each test makes runs of its own in it."""
    with open_home(kit_settings.load(home=tmp_path_factory.mktemp("listening") / "home")) as home:
        yield home


@pytest.fixture(scope="module")
def web(opened: Home) -> Iterator[TestClient]:
    with client(opened) as made:
        yield made


def begun(home: Home, name: str = "lungs") -> tuple[int, EventStream]:
    """A run in progress, with the stream that its training would speak through."""
    run = DBOperationsUtils(home).create_training_run("nowhere", name, small().resolved)
    return run, EventStream([DatabaseSink(home.database, run)])


def say(stream: EventStream, count: int) -> None:
    for step in range(count):
        stream.emit("batch_metrics", {"step": step, "loss": 0.5, "epoch": 1})


def heard(socket: Any, count: int) -> list[tuple[int, int]]:
    """Run and number of the next messages."""
    messages = [socket.receive_json()["data"] for _ in range(count)]
    return [(one["run_id"], one["sequence"]) for one in messages]


def stranger_of(home: Home) -> Home:
    with home.database.write() as session:
        other = Owner(name=f"stranger {new_uid()}")
        session.add(other)
        session.flush()
    return home.for_owner(other.id)


@pytest.mark.req("X-9.1")
@pytest.mark.req("P-10.1")
def test_every_type_of_message_comes_in_the_contracts_envelope(
    opened: Home, web: TestClient
) -> None:
    run, stream = begun(opened)
    said = [stream.emit(kind, {"of": kind}) for kind in EVENT_TYPES]
    with web.websocket_connect(f"{WS}?runs={run}") as socket:
        messages = [socket.receive_json() for _ in said]
    assert [set(message) for message in messages] == [{"type", "timestamp", "data"}] * len(said)
    assert [message["type"] for message in messages] == list(EVENT_TYPES)
    assert [message["timestamp"] for message in messages] == [one.timestamp for one in said]
    assert [message["data"] for message in messages] == [
        {"of": one.type, "run_id": run, "sequence": number} for number, one in enumerate(said)
    ]


@pytest.mark.req("X-9.1")
def test_who_comes_back_goes_on_behind_the_last_message_that_one_has(
    opened: Home, web: TestClient
) -> None:
    run, stream = begun(opened)
    say(stream, 5)
    with web.websocket_connect(f"{WS}?runs={run}:0") as socket:
        first = heard(socket, 3)
    say(stream, 4)
    with web.websocket_connect(f"{WS}?runs={run}:3") as socket:
        say(stream, 1)
        rest = heard(socket, 7)
    assert first + rest == [(run, number) for number in range(10)]


@pytest.mark.req("X-9.1")
def test_a_listener_of_all_hears_what_comes_of_each_run_in_order_and_of_no_other_owners(
    opened: Home, web: TestClient
) -> None:
    one, stream = begun(opened)
    say(stream, 3)
    _, theirs = begun(stranger_of(opened))
    with ExitStack() as stack:
        both = stack.enter_context(web.websocket_connect(WS))
        runs = stack.enter_context(web.websocket_connect(f"{WS}?runs=all"))
        alone = stack.enter_context(web.websocket_connect(f"{WS}?runs={one}:3"))
        two, other = begun(opened)
        for _ in range(4):
            for speaking in (theirs, stream, other):
                say(speaking, 1)
        for socket in (both, runs):
            told = heard(socket, 8)
            assert [number for run, number in told if run == one] == [3, 4, 5, 6]
            assert [number for run, number in told if run == two] == [0, 1, 2, 3]
        assert heard(alone, 4) == [(one, number) for number in (3, 4, 5, 6)]


@pytest.mark.req("P-10.1")
@pytest.mark.parametrize(
    "asked", ["x", "0", "7777", "{run}:3", "{run}:-1", "{run}:0,", "99999999999999999999"]
)
def test_what_cannot_be_listened_to_is_refused(opened: Home, web: TestClient, asked: str) -> None:
    run, stream = begun(opened)
    say(stream, 2)
    assert closing_code(web, asked.format(run=run)) == 1008


@pytest.mark.req("S-3.1")
def test_another_owners_run_cannot_be_listened_to(opened: Home, web: TestClient) -> None:
    theirs, stream = begun(stranger_of(opened))
    say(stream, 1)
    assert closing_code(web, f"{theirs}:0") == 1008


@pytest.mark.req("P-10.1")
def test_a_page_of_another_site_and_another_user_hear_nothing(opened: Home) -> None:
    run, _ = begun(opened)
    asked = f"{WS}?runs={run}"
    with client(opened) as web, pytest.raises(WebSocketDisconnect):
        web.websocket_connect(asked, headers={"Origin": "http://elsewhere.example"}).__enter__()
    with (
        client(opened, peers=lambda *_: os.geteuid() + 1) as other,
        pytest.raises(WebSocketDisconnect),
    ):
        other.websocket_connect(asked).__enter__()


@pytest.mark.req("P-10.1")
def test_a_ping_is_answered_and_what_else_a_client_sends_reaches_nobody(
    opened: Home, web: TestClient
) -> None:
    run, stream = begun(opened)
    with (
        web.websocket_connect(f"{WS}?runs={run}") as one,
        web.websocket_connect(f"{WS}?runs={run}") as two,
    ):
        for sent in ("{", "[]", '"ping"', '{"type":"status","data":{}}', "[" * 5000):
            one.send_text(sent)
        one.send_bytes(b"\x00")
        one.send_json({"type": "ping"})
        answer = one.receive_json()
        assert (answer["type"], answer["data"]) == ("pong", {})
        say(stream, 1)
        assert heard(one, 1) == heard(two, 1) == [(run, 0)]


@pytest.mark.req("X-9.1")
def test_the_sender_says_metrics_the_end_and_why_a_run_failed(opened: Home) -> None:
    run, stream = begun(opened)
    sender = MetricsWebSocketSender(stream, RunFacts(run_id=run))
    sender.send_metrics({"epoch": 2, "val_auroc": 0.75})
    sender.send_training_complete()
    sender.send_training_failed(ValidationError("The table has no labels."))
    sender.send_training_failed(RuntimeError("after that"))
    with opened.database.read() as session:
        said = repository.events(session, run, 0, 10)
    assert [event.type for event in said] == ["epoch_end", "status", "error"]
    assert said[0].data == {
        "epoch": 2,
        "phase": "train",
        "metrics": {"epoch": 2, "val_auroc": 0.75},
        "client_id": None,
        "round_number": None,
    }
    assert said[1].data["status"] == "completed"
    assert said[2].data == {"error": "The table has no labels.", "error_type": "ValidationError"}


@pytest.mark.parametrize("known", [True, False])
def test_a_cancelled_run_says_so_once(opened: Home, *, known: bool) -> None:
    _, stream = begun(opened)
    if known:
        stream.emit("status", {"status": "cancelled", "message": "by its training"})
    sender = MetricsWebSocketSender(stream, RunFacts())
    assert sender.send_training_failed(JobCancelled()).data["status"] == "cancelled"
    assert stream.next_sequence == 1


def closing_code(web: TestClient, runs: str) -> int:
    with (
        web.websocket_connect(f"{WS}?runs={runs}") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_json()
    return closed.value.code


def test_messages_are_plain_json(opened: Home, web: TestClient) -> None:
    run, stream = begun(opened)
    stream.emit("gradient_stats", {"total_norm": float("nan"), "layer_norms": {"a": 1.0}})
    with web.websocket_connect(f"{WS}?runs={run}") as socket:
        text = socket.receive_text()
    assert "NaN" not in text
    assert json.loads(text)["data"]["total_norm"] is None
