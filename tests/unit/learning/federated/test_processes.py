"""Clients in other processes and threads, over gRPC on the loopback device."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.federated.errors import FederatedTrainingError
from deepmed.learning.federated.joining import join
from deepmed.learning.federated.serving import GrpcGrid
from deepmed.learning.federated.wire import Letter, from_bytes, to_bytes

SLEEPER = """
import sys, time
from flwr.clientapp import ClientApp
from deepmed.learning.federated.joining import join
assert not {"torch", "lightning"} & set(sys.modules)
app = ClientApp()
@app.train()
def train(message, context):
    print("learning", flush=True)
    time.sleep(60)
join(sys.argv[1], 1, "second", app)
"""


def order(number: int) -> Message:
    weights = ArrayRecord({"a": Array(np.arange(3.0)), "n": Array(np.array(7))})
    content = RecordDict({"arrays": weights, "config": ConfigRecord({"server-round": 1})})
    return Message(content, number, "train")


def echo(*, delay: float = 0.0, error: Exception | None = None) -> ClientApp:
    app = ClientApp()

    @app.train()
    def train(message: Message, context: object) -> Message:
        time.sleep(delay)
        if error is not None:
            raise error
        metrics = MetricRecord({"num-examples": 3})
        content = RecordDict({"arrays": message.content["arrays"], "metrics": metrics})
        return Message(content, reply_to=message)

    return app


@contextmanager
def joined(grid: GrpcGrid, number: int, token: str, app: ClientApp) -> Iterator[None]:
    thread = threading.Thread(target=join, args=(grid.address, number, token, app), daemon=True)
    thread.start()
    until(lambda: number in grid.alive())
    yield
    grid.__exit__()
    thread.join(10)
    assert not thread.is_alive()


def until(holds: "object", seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():  # type: ignore[operator] # a function
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.mark.req("X-14.1")
def test_a_client_killed_in_mid_round_loses_its_answer_and_nobody_elses() -> None:
    with GrpcGrid({0: "first", 1: "second"}) as grid, joined(grid, 0, "first", echo()):
        with subprocess.Popen(
            [sys.executable, "-c", SLEEPER, grid.address], stdout=subprocess.PIPE
        ) as process:
            until(lambda: grid.alive() == [0, 1])
            killer = threading.Thread(target=kill_when_learning, args=(process,))
            killer.start()
            replies = grid.send_and_receive([order(0), order(1)], timeout=30)
            killer.join()
        found = {one.metadata.src_node_id: one for one in replies}
        assert found[1].error.reason == "Its process ended or lost its connection in mid-round."
        assert found[0].content.array_records["arrays"]["a"].numpy().tolist() == [0, 1, 2]
        assert found[0].content.array_records["arrays"]["n"].numpy() == np.array(7)
        assert grid.alive() == [0]


def kill_when_learning(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == b"learning\n"
    process.kill()


def test_strangers_are_not_let_in_and_nobody_comes_twice() -> None:
    with GrpcGrid({0: "first"}) as grid, joined(grid, 0, "first", echo()):
        for number, token, why in (
            (0, "guessed", "UNAUTHENTICATED"),
            (1, "first", "UNAUTHENTICATED"),
            (0, "first", "ALREADY_EXISTS"),
        ):
            with pytest.raises(FederatedTrainingError, match=why):
                join(grid.address, number, token, echo())
        assert grid.alive() == [0]


def test_who_is_too_slow_or_cannot_learn_says_so_and_stays() -> None:
    with GrpcGrid({0: "first"}) as grid, joined(grid, 0, "first", echo(delay=0.3)):
        (late,) = grid.send_and_receive([order(0)], timeout=0.05)
        assert late.error.reason == "It did not answer in time."
        (reply,) = grid.send_and_receive([order(0)], timeout=10)
        assert reply.has_content()
    unable = echo(error=InsufficientDataError("too few images"))
    with GrpcGrid({0: "first"}) as grid, joined(grid, 0, "first", unable):
        (reply,) = grid.send_and_receive([order(0)], timeout=10)
        assert reply.error.reason == "too few images"
        assert grid.alive() == [0]


def test_waiting_ends_when_somebody_wants_it_to() -> None:
    class WantedError(Exception):
        pass

    def check() -> None:
        raise WantedError

    slow = echo(delay=0.6)
    with (
        GrpcGrid({0: "first"}, check=check) as grid,
        joined(grid, 0, "first", slow),
        pytest.raises(WantedError),
    ):
        grid.send_and_receive([order(0)], timeout=30)


def test_what_is_no_message_is_refused() -> None:
    whole = to_bytes(Letter(1, "train", order(0).content))
    for wrong in (
        b"",
        b"\x00",
        whole[:20],
        whole[:-3],
        b"\x02\x00\x00\x00{}",
        b"\x02\x00\x00\x00[]",
    ):
        with pytest.raises(FederatedTrainingError):
            from_bytes(wrong)
    assert from_bytes(whole).kind == "train"
