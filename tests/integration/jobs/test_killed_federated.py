"""Clients of a federated training as real processes, of which one is killed while it learns."""

import threading
import time
from pathlib import Path

import psutil
import pytest

from deepmed.app import open_home
from deepmed.features.xray.federated import repository
from deepmed.features.xray.federated.trainer import FederatedTrainer
from factories.jobs import until
from factories.xray import small, write_films


@pytest.mark.req("X-14.1")
def test_a_client_killed_in_mid_round_does_not_lose_the_round(home: Path, tmp_path: Path) -> None:
    source = write_films(tmp_path / "films", 24)
    killer = threading.Thread(target=kill_one_that_learns, daemon=True)
    wanted = small("clients_run=processes", "num_rounds=1", "local_epochs=10")
    with open_home() as opened:
        killer.start()
        results = FederatedTrainer(opened, wanted).train(source, "killed")
        killer.join(10)
        with opened.database.read() as session:
            told = {one.client: one for one in repository.rounds(session, results["run_id"])}
            measured = repository.server_evaluations(session, results["run_id"])
    assert told["client_0"].status == "completed"
    assert told["client_1"].status == "failed"
    assert "ended or lost its connection" in str(told["client_1"].reason)
    assert [one.round_number for one in measured] == [0, 1]
    assert measured[0].loss != measured[1].loss
    assert results["test"]["report"]["n_items"] > 0
    assert not clients()


def clients() -> dict[str, psutil.Process]:
    """By the name of the list that each was given."""
    found = {}
    for one in psutil.Process().children(recursive=True):
        name = Path(one.cmdline()[-1]).stem if one.cmdline() else ""
        if name.startswith("client_"):
            found[name] = one
    return found


def kill_one_that_learns() -> None:
    until(lambda: len(clients()) == 2 and all(map(connected, clients().values())), 120)
    time.sleep(0.3)  # the order came as soon as both were there; learning takes longer
    clients()["client_1"].kill()


def connected(process: psutil.Process) -> bool:
    try:
        return any(one.status == "ESTABLISHED" for one in process.net_connections("tcp"))
    except psutil.AccessDenied:
        return False
