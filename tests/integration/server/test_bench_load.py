"""`deepmed bench load` from the command line, with few drawings and few requests."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deepmed.app import open_home
from deepmed.app.bench.load import run as measuring
from deepmed.app.bench.platform.drawings import add_drawings
from deepmed.cli.entry import main
from deepmed.core.home import Home
from deepmed.features.drawings.importing.importer import DrawingImporter
from deepmed.features.drawings.samples.files import create_sample_drawings
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import settings as kit_settings

MIX = """
[[get]]
path = "/drawings/{drawing}"
weight = 1

[[get]]
path = "/api/v1/drawings/?page={page}"
weight = 2

[[get]]
path = "/health?age={age}"
weight = 1e-9
"""


def samples_alone(home: Home, _rows: int, seed: int, _stage: object) -> None:
    """Drawings enough for a training; filling a folder with everything is another test's."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "samples"
        create_sample_drawings(folder, seed)
        importer = DrawingImporter(home.database, home.storage, home.settings, home.owner_id)
        importer.import_source(folder)
    Workbench.of(home).pipeline.process_batch()


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    file = tmp_path / "mix.toml"
    file.write_text(MIX, encoding="utf-8")
    return file


@pytest.mark.req("O-10.1")
def test_a_server_is_asked_while_a_training_stands_back_beside_it(
    home: Path,
    tmp_path: Path,
    mix: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "fill", samples_alone)
    file = tmp_path / "results" / "load.json"
    options = ["--rows", "200", "--requests", "60", "--mix", str(mix), "--note", "a test"]
    assert main(["bench", "load", *options, "--json", str(file)]) == 0
    result = json.loads(file.read_text(encoding="utf-8"))
    assert (result["benchmark"], result["database"], result["rows"]) == ("load", "sqlite", 200)
    assert (result["sessions"], result["note"]) == (200, "a test")
    assert result["rate_wanted"] == (200 if result["generator_cores"] else 60)
    assert {"cpu", "libraries", "code", "cores"} <= set(result["environment"])
    assert list(result["routes"]) == [
        "/drawings/{drawing}",
        "/api/v1/drawings/?page={page}",
        "/health?age={age}",
    ]
    assert sum(each["requests"] for each in result["routes"].values()) == 60
    assert all(each["first_ms"] > 0 for each in result["routes"].values())
    total = result["total"]
    assert (total["requests"], total["errors"], total["server_errors"]) == (60, 0, 0)
    assert 0 < total["p50_ms"] <= total["p95_ms"] <= total["slowest_ms"]
    training = result["training"]
    assert training["niceness"] >= 15
    assert training["share_of_time"] > 0
    assert result["figures"]["answers of 500 and above"]["passed"]
    assert result["figures"]["95 % of the answers within"]["condition"]
    assert "200 drawings on sqlite" in capsys.readouterr().out
    assert list(home.iterdir()) == [], "the own data folder is left alone"


def test_a_database_in_use_is_refused_before_anything_is_added(
    home: Path, mix: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPMED_DATABASE_URL", f"sqlite:///{home / 'in-use.db'}")
    kit_settings.current.cache_clear()
    with open_home() as opened:
        add_drawings(opened, 1)
    assert main(["bench", "load", "--rows", "200", "--mix", str(mix)]) == 1
    assert "Nothing was measured or changed" in capsys.readouterr().err
