"""`deepmed bench api` from the command line, with few drawings and few runs."""

import json
from functools import partial
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.app.bench import api
from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings


@pytest.mark.req("D-25.1")
def test_each_answer_is_timed_and_written_beside_its_promise(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "run", partial(api.run, runs=2))
    file = tmp_path / "results" / "api.json"
    assert main(["bench", "api", "--rows", "200", "--json", str(file)]) == 0
    result = json.loads(file.read_text(encoding="utf-8"))
    assert {name: each["limit_ms"] for name, each in result["figures"].items()} == {
        "statistics of analyses": 100,
        "statistics of the configuration": 100,
        "first page of the gallery": 50,
        "middle page of the gallery": 50,
        "last page of the gallery": 50,
        "page of one subject and age": 50,
        "analysis of a stored embedding": 20,
        "neighbours": 20,
    }
    assert all(each["runs"] == 2 for each in result["figures"].values())
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
