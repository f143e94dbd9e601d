"""A data folder with completed runs to compare, made once for all tests that only look."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.core.home import Home
from deepmed.kit import settings as kit_settings
from factories.shared import made_once
from factories.xray import write_classes, write_films
from factories.xray_runs import publish_untrained

HALF = ("test_split=0.5", "validation_split=0.25", "prevalence=0.1")
"""So that enough patients test for an interval."""


def opened(folder: Path) -> Home:
    return open_home(kit_settings.load(home=folder))


@pytest.fixture(scope="session")
def _reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        films = write_films(folder / "films")
        classes = write_classes(folder / "classes", ("clear", "cloudy", "dark"))
        with opened(folder / "home") as home:
            publish_untrained(home, films, *HALF, name="first <run>")
            publish_untrained(home, films, *HALF, name="second", draw=2)
            publish_untrained(home, films, *HALF, "seed=7", name="another split")
            publish_untrained(home, classes, name="three classes")
            publish_untrained(home, classes, name="three more", draw=2)
            publish_untrained(home, films, "test_split=0", name="no test")

    return made_once(tmp_path_factory, "reported_on_xrays", make) / "home"


@pytest.fixture(scope="session")
def reported(_reported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Six completed runs, for tests that change nothing: see `_reported` for their numbers."""
    folder = tmp_path_factory.mktemp("reported") / "home"
    shutil.copytree(_reported, folder)
    with opened(folder) as home:
        yield home
