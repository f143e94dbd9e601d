"""A client's own program, run in threads: what it learns is what it learns inside."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.core.home import Home
from deepmed.features.xray.federated import client, processes, repository
from deepmed.features.xray.federated.trainer import FederatedTrainer
from deepmed.features.xray.runs.reading import StoredRun
from deepmed.learning.federated import Answer, LocalClient
from factories.xray import small


class Pretended:
    """As much of a process as is asked of one; runs the client's program in a thread."""

    def __init__(self, command: list[str], **_settings: Any) -> None:
        self.pid = 0
        self.stdin = Handed(lambda line: self._begin(Path(command[-1]), line))
        self._thread = threading.Thread()

    def _begin(self, file: Path, line: bytes) -> None:
        self._thread = threading.Thread(target=client.run, args=(file, json.loads(line)))
        self._thread.start()

    def poll(self) -> int | None:
        return None if self._thread.is_alive() else 0

    def wait(self, seconds: float | None = None) -> int:
        self._thread.join(seconds)
        return 0


def one_after_another(train: Callable[..., Answer]) -> Callable[..., Answer]:
    """Threads share one generator of random numbers, which processes do not."""
    turn = threading.Lock()

    def alone(*arguments: Any) -> Answer:
        with turn:
            return train(*arguments)

    return alone


class Handed(io.BytesIO):
    def __init__(self, begin: Callable[[bytes], None]) -> None:
        super().__init__()
        self._begin = begin

    def close(self) -> None:
        if not self.closed:
            self._begin(self.getvalue())
        super().close()


def flat(found: Any) -> Iterator[Any]:
    """All numbers of nested lists and dictionaries, in order."""
    if isinstance(found, dict):
        found = [found[name] for name in sorted(found)]
    if isinstance(found, list):
        for one in found:
            yield from flat(one)
    else:
        yield found


@pytest.mark.req("X-14.1")
def test_clients_learn_the_same_inside_and_over_grpc(
    empty: Home, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "Popen", Pretended)
    monkeypatch.setattr(LocalClient, "train", one_after_another(LocalClient.train))
    found = []
    for way in ("inside", "processes"):
        results = FederatedTrainer(empty, small(f"clients_run={way}", "num_rounds=1")).train(films)
        with empty.database.read() as session:
            told = [one.metrics for one in repository.rounds(session, results["run_id"])]
        logits = StoredRun.of(empty, results["run_id"]).predictions["test"]
        found.append((told, [one["logits"] for one in logits]))
    # Where a block of memory begins decides in which order a processor sums: the last digits.
    inside, apart = ([*flat(told), *flat(logits)] for told, logits in found)
    assert inside == pytest.approx(apart, rel=1e-5, abs=1e-6)
