"""Clients of a federated training as processes, of which one is killed while it learns."""

import threading
from pathlib import Path

import psutil
import pytest

import factories
from deepmed.app import open_home
from deepmed.features.xray.federated import processes, repository
from deepmed.features.xray.federated.trainer import FederatedTrainer
from factories.jobs import until
from factories.light_client import EXAMPLES
from factories.xray import small, write_films


@pytest.mark.req("X-14.1")
def test_a_client_killed_in_mid_round_does_not_lose_the_round(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "MODULE", "factories.light_client")
    monkeypatch.setenv("PYTHONPATH", str(Path(str(factories.__path__[0])).parent))
    source = write_films(tmp_path / "films", 24)
    with open_home() as opened:
        killer = threading.Thread(target=kill_who_is_stuck, args=(opened.settings.home,))
        killer.start()
        wanted = small("clients_run=processes", "num_rounds=2")
        results = FederatedTrainer(opened, wanted).train(source, "killed")
        killer.join(10)
        with opened.database.read() as session:
            told = repository.rounds(session, results["run_id"])
            measured = repository.server_evaluations(session, results["run_id"])
    lost = "Its process ended or lost its connection in mid-round."
    assert [(one.number, one.client, one.examples, one.reason) for one in told] == [
        (1, "client_0", EXAMPLES, None),
        (1, "client_1", None, lost),
        (2, "client_0", EXAMPLES, None),
        (2, "client_1", EXAMPLES, None),  # it was started anew
    ]
    assert [one.round_number for one in measured] == [0, 1, 2]
    assert measured[0].loss != measured[1].loss
    assert results["test"]["report"]["n_items"] > 0
    assert not clients()


def clients() -> dict[str, psutil.Process]:
    """By the name of the list that each was given."""
    found = {}
    for one in psutil.Process().children(recursive=True):
        words = one.cmdline()
        if words and Path(words[-1]).stem.startswith("client_"):
            found[Path(words[-1]).stem] = one
    return found


def kill_who_is_stuck(folder: Path) -> None:
    until(lambda: any(folder.rglob("client_1.stuck")), 120)
    clients()["client_1"].kill()
