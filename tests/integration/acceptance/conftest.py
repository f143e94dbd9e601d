"""Data folders for the acceptance tests: an empty one, and copies of a filled and a trained one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.acceptance.demonstration import Demo, demonstrate, shared_folder
from integration.acceptance.pictures import fill
from integration.acceptance.terminal import Home, Launcher

TRAINING = ("drawings", "train", "--groups", "6-9", "--detector", "knn")
TYPICAL, NEW = range(30), range(30, 36)
"""Drawings that train, and drawings by children whom the models have not met."""


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    started = Launcher()
    yield started
    started.close()


@pytest.fixture
def empty(launcher: Launcher, tmp_path: Path) -> Home:
    return Home(tmp_path / "empty", launcher)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of drawings with their tables: `typical` and `new`."""
    place = tmp_path_factory.mktemp("pictures")
    fill(place / "typical", TYPICAL)
    fill(place / "new", NEW)
    return place


@pytest.fixture(scope="session")
def _filled(launcher: Launcher, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("filled") / "home", launcher)
    home.do("drawings", "import", pictures / "typical")
    return home


@pytest.fixture(scope="session")
def _trained(
    _filled: Home, pictures: Path, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory
) -> Home:
    home = _filled.copy(tmp_path_factory.mktemp("trained") / "home")
    home.do(*TRAINING)
    home.do("drawings", "import", pictures / "new")
    return home


@pytest.fixture(scope="session")
def _analysed(_trained: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = _trained.copy(tmp_path_factory.mktemp("analysed") / "home")
    home.do("drawings", "analyze", "--all")
    return home


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
def demo(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """What `deepmed demo` said and left; copy its data folder before you change anything."""
    return demonstrate(shared_folder(tmp_path_factory.getbasetemp()), launcher)
