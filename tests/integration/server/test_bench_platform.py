"""`deepmed bench platform` from the command line, with few runs and small sizes."""

import json
from functools import partial
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.app.bench.platform import run as measuring
from deepmed.app.bench.platform import starting
from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings

TINY = measuring.Effort(
    helps=1,
    starts=1,
    trainings=1,
    hand_overs=3,
    cancels=1,
    claimers=2,
    jobs=10,
    embeddings=300,
)
MEASURED = [
    "help",
    "server from cold to /health",
    "memory of the idle server",
    "first training accepted by a fresh server",
    "further trainings accepted",
    "inline job accepted, with its id",
    "inline job from request to start",
    "cancel of a busy process job",
    "cancel of one that never looks up",
    "2 claimers drain 10 inline jobs",
    "300 embeddings written",
    "300 embeddings read in order",
    "300 exact top 10 searched",
]


@pytest.fixture(autouse=True)
def _small(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "run", partial(measuring.run, effort=TINY))
    monkeypatch.setattr(starting, "IDLE_SECONDS", 0.1)


@pytest.mark.req("P-17.1")
def test_everything_is_measured_and_written_beside_its_promise(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "platform.json"
    assert main(["bench", "platform", "--json", str(file), "--note", "a test"]) == 0
    result = json.loads(file.read_text(encoding="utf-8"))
    assert list(result["figures"]) == MEASURED
    assert (result["benchmark"], result["database"]) == ("platform", "sqlite")
    assert {"cpu", "libraries", "code", "cores"} <= set(result["environment"])
    assert (result["effort"], result["note"]) == (vars(TINY), "a test")
    promised = {name: each["limit"] for name, each in result["figures"].items() if each["limit"]}
    assert promised == {
        "help": 0.3,
        "server from cold to /health": 4,
        "memory of the idle server": 300,
        "first training accepted by a fresh server": 1,
        "further trainings accepted": 1,
        "inline job accepted, with its id": 1,
        "cancel of a busy process job": 10,
        "cancel of one that never looks up": 10,
        "2 claimers drain 10 inline jobs": 60,
        "300 embeddings written": 500,
        "300 embeddings read in order": 500,
        "300 exact top 10 searched": 100,
    }
    holding = [
        each["condition_holds"] for each in result["figures"].values() if "condition" in each
    ]
    assert holding == [True, True, True]
    assert result["figures"]["cancel of one that never looks up"]["passed"]
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("help", "under 0.3", "at least 500"))
    assert list(home.iterdir()) == [], "the own data folder is left alone"


def test_a_database_in_use_is_refused_before_anything_is_measured(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPMED_DATABASE_URL", f"sqlite:///{home / 'in-use.db'}")
    kit_settings.current.cache_clear()
    with open_home() as opened:
        add_drawings(opened, 1)
    assert main(["bench", "platform"]) == 1
    told = capsys.readouterr()
    assert "Nothing was measured or changed" in told.err
    assert "Measuring" not in told.err
