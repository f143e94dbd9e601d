"""The demo never mixes its drawings with a person's own."""

from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.features.drawings.demo import run
from deepmed.kit import settings as kit_settings


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """The data folders in which the demo would have run; where nobody names one, `own`."""
    seen: list[Path] = []

    class Noted(run.Demo):
        def run(self) -> run.DemoResult:
            seen.append(self.bench.settings.home)
            return self.result

    monkeypatch.setattr(run, "Demo", Noted)
    monkeypatch.setattr(kit_settings, "default_home", lambda: tmp_path / "own")
    return seen


def test_it_has_a_data_folder_of_its_own(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    for name in ("HOME", "SETTINGS", "DATABASE_URL", "STORAGE_URL"):
        monkeypatch.delenv(f"DEEPMED_{name}", raising=False)
    kit_settings.current.cache_clear()
    assert main(["demo"]) == 0
    assert folders == [tmp_path / "deepmed-demo"]
    assert not (tmp_path / "own").exists()
    assert f"DEEPMED_HOME='{folders[0]}' deepmed drawings list" in capsys.readouterr().out


def test_a_data_folder_that_is_named_is_taken(folders: list[Path], home: Path) -> None:
    assert main(["demo"]) == 0
    assert folders == [home]
