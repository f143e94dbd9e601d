import json
import math
import threading

import pytest

from deepmed.learning.classification import Event, EventStream


@pytest.mark.req("X-9.1")
def test_all_readers_are_told_the_same_without_gaps() -> None:
    first: list[Event] = []
    second: list[Event] = []
    stream = EventStream([first.append, second.append])

    def talk() -> None:
        for _ in range(50):
            stream.emit("status", {"status": "running"})

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.sequence for event in first] == list(range(200))
    assert first == second


@pytest.mark.req("X-9.1")
def test_a_resumed_run_goes_on_counting() -> None:
    stream = EventStream([], first=17)
    assert stream.emit("status", {}).sequence == 17
    assert stream.next_sequence == 18


def test_what_is_no_number_is_null_in_a_message() -> None:
    event = EventStream([]).emit("status", {"a": math.nan, "b": [math.inf, 1.5], "c": {"d": 2}})
    assert event.data == {"a": None, "b": [None, 1.5], "c": {"d": 2}}
    assert json.loads(json.dumps(event.to_json(), allow_nan=False))["sequence"] == 0


def test_an_unknown_message_is_refused_and_takes_no_number() -> None:
    stream = EventStream([])
    with pytest.raises(ValueError, match="no type of message"):
        stream.emit("gossip", {})
    assert stream.next_sequence == 0


def test_a_reader_that_fails_ends_the_training() -> None:
    def full(_event: Event) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        EventStream([full]).emit("status", {})
