"""Data folders for the acceptance tests: an empty one, and copies of a filled and a trained one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from factories.shared import made_once
from integration.acceptance.demonstration import Demo, demonstrate, shared_folder
from integration.acceptance.pictures import fill
from integration.acceptance.terminal import Home

TRAINING = ("drawings", "train", "--groups", "6-9", "--detector", "knn")
TYPICAL, NEW = range(30), range(30, 36)
"""Drawings that train, and drawings by children whom the models have not met."""


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    return Home(tmp_path / "empty")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of drawings with their tables: `typical` and `new`."""

    def make(place: Path) -> None:
        fill(place / "typical", TYPICAL)
        fill(place / "new", NEW)

    return made_once(tmp_path_factory, "pictures", make)


@pytest.fixture(scope="session")
def _filled(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    def make(place: Path) -> None:
        Home(place / "home").do("drawings", "import", pictures / "typical")

    return Home(made_once(tmp_path_factory, "filled", make) / "home")


@pytest.fixture(scope="session")
def _trained(_filled: Home, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    def make(place: Path) -> None:
        home = _filled.copy(place / "home")
        home.do(*TRAINING)
        home.do("drawings", "import", pictures / "new")

    return Home(made_once(tmp_path_factory, "trained", make) / "home")


@pytest.fixture(scope="session")
def _analysed(_trained: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    def make(place: Path) -> None:
        _trained.copy(place / "home").do("drawings", "analyze", "--all")

    return Home(made_once(tmp_path_factory, "analysed", make) / "home")


@pytest.fixture
def filled(_filled: Home, tmp_path: Path) -> Home:
    """30 drawings by as many children, imported."""
    return _filled.copy(tmp_path / "filled")


@pytest.fixture
def trained(_trained: Home, tmp_path: Path) -> Home:
    """Those drawings embedded and trained on, and six more imported."""
    return _trained.copy(tmp_path / "trained")


@pytest.fixture
def analysed(_analysed: Home, tmp_path: Path) -> Home:
    """All 36 analysed."""
    return _analysed.copy(tmp_path / "analysed")


@pytest.fixture(scope="session")
def reference(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Home]:
    """What a data folder is when nothing ever went wrong, by name."""
    return lambda name: request.getfixturevalue(f"_{name}")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """What `deepmed demo` said and left; copy its data folder before you change anything."""
    return demonstrate(shared_folder(tmp_path_factory.getbasetemp()))
