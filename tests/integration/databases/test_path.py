"""A drawing's whole way on each engine, through the commands that people use."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.kit import settings as kit_settings
from deepmed.kit.database import migration
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService
from factories.path import NEW, TYPICAL, Commands, walk
from factories.planting import plant_few

MakeAsk = Callable[..., Commands]
_ON_SQLITE: dict[str, Any] = {}


@pytest.fixture
def commands(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MakeAsk:
    plant_few(monkeypatch)
    return lambda **named: Commands(monkeypatch, capsys, **named)


@pytest.fixture
def expected(commands: MakeAsk, tmp_path: Path) -> dict[str, Any]:
    """What the embedded database gives; made once."""
    if not _ON_SQLITE:
        _ON_SQLITE.update(walk(commands(HOME=tmp_path / "embedded"), tmp_path / "expected"))
    return _ON_SQLITE


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])
def test_every_engine_gives_the_same_answers_to_the_last_digit(
    expected: dict[str, Any], commands: MakeAsk, database_url: str, tmp_path: Path
) -> None:
    found = walk(commands(HOME=tmp_path / "own", DATABASE_URL=database_url), tmp_path / "pictures")
    assert found == expected
    assert found["stored"] == [TYPICAL, 0, NEW]
    assert found["present"] == [0, TYPICAL, 0]
    assert found["trained"] == [[True, True], [False, False]]
    assert any(row["p_value"] is not None for row in found["analyses"])
    assert not (tmp_path / "own" / "deepmed.db").exists()


@pytest.mark.req("P-5.1")
def test_a_bucket_gives_the_same_answers_as_a_folder(
    expected: dict[str, Any],
    commands: MakeAsk,
    bucket: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    ask = commands(HOME=tmp_path / "own", STORAGE_URL=bucket)
    assert walk(ask, tmp_path / "pictures") == expected
    store = FileStorageService(bucket)
    assert len(list(store.list_files("uploads/drawings"))) == TYPICAL + NEW
    gone = ask("drawings", "delete", 1, "--yes")
    assert gone["files"] >= 1
    assert len(list(store.list_files("uploads/drawings"))) == TYPICAL + NEW - 1
    assert not (tmp_path / "own" / "files").exists()
    assert json.dumps(ask("doctor")).count(bucket) == 1
    written = "".join(path.read_text("latin-1") for path in (tmp_path / "own").rglob("*.log"))
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in caplog.text + written


@pytest.mark.req("P-4.1")
def test_the_shape_of_the_database_is_brought_about_checked_and_undone(
    empty_database_url: str, commands: MakeAsk, capsys: pytest.CaptureFixture[str]
) -> None:
    ask, head = commands(DATABASE_URL=empty_database_url), migration.revisions()[-1]
    assert ask("db", "upgrade") == {"before": None, "after": head}
    assert ask("db", "check") == {"revision": head, "differences": []}
    assert ask("db", "downgrade", "0001", "--yes") == {"before": head, "after": "0001"}
    assert main(["db", "check"]) == 1
    assert f"this program needs step {head}" in capsys.readouterr().out
    assert ask("db", "upgrade") == {"before": "0001", "after": head}
    assert ask("db", "downgrade", "base", "--yes")["after"] is None


@pytest.mark.req("P-2.1")
def test_the_doctor_looks_at_the_database_and_keeps_its_password(
    any_settings: Settings, capsys: pytest.CaptureFixture[str], engine_name: str
) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"at step {migration.revisions()[-1]}, as this program needs it" in said
    assert engine_name in said
    assert "only-for-tests" not in said
    assert kit_settings.current() == any_settings


@pytest.mark.req("P-2.1")
@pytest.mark.parametrize(
    "url", ["postgresql://a:hunter2@127.0.0.1:1/x", "mysql://a:hunter2@127.0.0.1:1/x"]
)
def test_a_server_that_is_away_is_told_in_a_sentence(
    url: str, commands: MakeAsk, capsys: pytest.CaptureFixture[str]
) -> None:
    commands(DATABASE_URL=url)
    for command in (["doctor"], ["db", "check"], ["drawings", "list"]):
        assert main(command) == 1
        printed = capsys.readouterr()
        said = printed.out + printed.err
        assert "cannot be used" in said
        assert "refused" in said
        assert "hunter2" not in said
        assert "Traceback" not in said
