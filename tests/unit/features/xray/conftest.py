import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.features.xray.runs.trainer import CentralizedTrainer
from deepmed.kit import settings as kit_settings
from factories.shared import made_once
from factories.xray import small, write_films


def opened(folder: Path) -> Home:
    return open_home(kit_settings.load(home=folder))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("films") / "source")


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory, films: Path) -> Path:
    """A data folder with one completed run, number 1."""

    def make(folder: Path) -> None:
        with opened(folder / "home") as home:
            CentralizedTrainer(home, small()).train(films, "first")

    return made_once(tmp_path_factory, "trained_on_xrays", make) / "home"


@pytest.fixture(scope="session")
def trained(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Its data folder, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(_trained, folder)
    with opened(folder) as home:
        yield home


@pytest.fixture
def empty(home: Path, _migrated: Path) -> Iterator[Home]:
    shutil.copy(_migrated, home)
    with opened(home) as made:
        yield made
