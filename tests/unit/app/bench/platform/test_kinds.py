"""The benchmark's jobs are no back door: nothing but the benchmark itself knows them."""

import os
import subprocess
import sys

import pytest

from deepmed.app.access import ROLES
from deepmed.app.bench.platform import kinds
from deepmed.app.kinds import job_kinds
from deepmed.core.home import Home
from factories.servers import client

LIST = "from deepmed.app.kinds import job_kinds; print(*job_kinds())"


def kinds_of_a_child() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LIST], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


def test_children_know_them_while_it_is_measured_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    with kinds.known_to_children():
        assert set(kinds.BY_NAME) <= kinds_of_a_child()
    assert os.environ["PYTHONPATH"] == "elsewhere"
    assert not set(kinds.BY_NAME) & kinds_of_a_child()
    monkeypatch.delenv("PYTHONPATH")
    with kinds.known_to_children():
        pass
    assert "PYTHONPATH" not in os.environ


def test_no_server_offers_them(opened: Home) -> None:
    assert not set(kinds.BY_NAME) & set(job_kinds())
    assert not [name for name in ROLES if "bench" in name]
    with client(opened) as connection:
        answer = connection.post(f"/api/v1/bench/{kinds.COUNTED}")
    assert answer.status_code == 404
