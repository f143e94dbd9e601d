"""`deepmed bench api` from the command line, with few drawings and few runs."""

import json
from functools import partial
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.app.bench import api, past
from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.app.bench.questions import QUESTIONS
from deepmed.app.bench.timing import timed
from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings
from factories.planting import plant_few

FEW = {"BATCHES": 1, "EXPLAINED": 0, "NOTED": 2, "NOTES": 1, "BACKUPS": 3}
FEWER_ROWS = {"JOBS": 40, "TRAININGS": 4, "IMPORTS": 5, "ALL_BATCHES": 5}


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of everything a few, nothing tried out, and each question once."""
    plant_few(monkeypatch)
    for name, number in (FEW | FEWER_ROWS).items():
        monkeypatch.setattr(past, name, number)
    monkeypatch.setattr(past, "_try_out", lambda _worker, _seed: None)
    monkeypatch.setattr(api, "run", partial(api.run, runs=1))
    monkeypatch.setattr(api, "timed", partial(timed, warm_up=0))


@pytest.mark.req("D-25.1")
@pytest.mark.usefixtures("little")
def test_each_answer_is_timed_and_written_beside_its_promise(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "api.json"
    assert main(["bench", "api", "--rows", "200", "--json", str(file)]) == 0
    result = json.loads(file.read_text(encoding="utf-8"))
    told = {
        name: (each["route"], each["group"], each["limit_ms"])
        for name, each in result["figures"].items()
    }
    assert told == {
        name: (each.route, each.group, each.limit_ms) for name, each in QUESTIONS.items()
    }
    assert all(each["runs"] == 1 for each in result["figures"].values())
    assert (result["benchmark"], result["database"], result["rows"]) == ("api", "sqlite", 200)
    assert result["database_version"].startswith("3.")
    assert {"cpu", "libraries", "code", "cores"} <= set(result["environment"])
    assert "200 drawings on sqlite" in capsys.readouterr().out
    assert list(home.iterdir()) == [], "the own data folder is left alone"


def test_a_database_in_use_is_refused_before_anything_is_added(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPMED_DATABASE_URL", f"sqlite:///{home / 'in-use.db'}")
    kit_settings.current.cache_clear()
    with open_home() as opened:
        add_drawings(opened, 1)
    assert main(["bench", "api", "--rows", "200"]) == 1
    assert "Nothing was measured or changed" in capsys.readouterr().err
