from pathlib import Path

import pytest

from deepmed.core.jobs.children import environment_of
from deepmed.kit import settings


def test_a_child_has_the_very_settings_of_its_worker(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they came from the environment, a file or the program."""
    monkeypatch.setenv("DEEPMED_SECRET_KEY", "s3cret")
    (home / "deepmed.toml").write_text('encoder = "other"\nparent_texts = true\n')
    workers = settings.load(home=home, database_url="sqlite:////x.db", threads=3, weights_dir=None)
    for name in ("DEEPMED_HOME", "DEEPMED_SECRET_KEY"):
        monkeypatch.delenv(name)
    for name, value in environment_of(workers).items():
        monkeypatch.setenv(name, value)
    assert settings.load() == workers


def test_what_is_not_set_is_left_to_the_child(home: Path, tmp_path: Path) -> None:
    assert set(environment_of(settings.load())) == {"DEEPMED_HOME"}
