"""Which data folder a server shows when nobody names one."""

from pathlib import Path

import pytest

from deepmed.app.choice import served_settings
from deepmed.kit import settings as kit_settings


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A person's own folder, which nobody made yet, beside the demo's, which is there."""
    for name in ("HOME", "SETTINGS", "DATABASE_URL", "STORAGE_URL"):
        monkeypatch.delenv(f"DEEPMED_{name}", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "deepmed-demo").mkdir()
    (tmp_path / "deepmed-demo" / "deepmed.db").touch()
    kit_settings.current.cache_clear()
    return tmp_path / "deepmed"


def chosen(*, demo: bool | None = None) -> tuple[str, list[str]]:
    said: list[str] = []
    return served_settings(said.append, demo=demo).home.name, said


def test_the_demo_is_shown_while_there_is_nothing_else(own: Path) -> None:
    name, said = chosen()
    assert name == "deepmed-demo"
    assert "deepmed serve --own" in said[0]


def test_a_folder_of_ones_own_comes_first(own: Path) -> None:
    own.mkdir()
    assert chosen() == ("deepmed", [])


def test_without_a_demo_the_own_folder_is_begun(own: Path) -> None:
    (own.parent / "deepmed-demo" / "deepmed.db").unlink()
    assert chosen() == ("deepmed", [])


@pytest.mark.parametrize("variable", ["HOME", "DATABASE_URL", "STORAGE_URL"])
def test_whoever_names_a_place_gets_it(
    own: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    value = {"HOME": str(own), "DATABASE_URL": f"sqlite:///{own}/x.db", "STORAGE_URL": own.as_uri()}
    monkeypatch.setenv(f"DEEPMED_{variable}", value[variable])
    kit_settings.current.cache_clear()
    assert chosen() == ("deepmed", [])


@pytest.mark.parametrize(("demo", "name"), [(True, "deepmed-demo"), (False, "deepmed")])
def test_either_can_be_asked_for(own: Path, *, demo: bool, name: str) -> None:
    assert chosen(demo=demo) == (name, [])
