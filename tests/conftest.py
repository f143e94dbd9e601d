"""Fixtures shared by all tests. No test reaches another machine: see the socket guard below."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

# Before anything of ours is imported, so that this process and its children are guarded (S-25).
_ATTEMPTS = Path(tempfile.gettempdir()) / f"deepmed-outward-{os.getpid()}.log"
os.environ["DEEPMED_SOCKET_GUARD"] = "1"
if "DEEPMED_SOCKET_GUARD_LOG" not in os.environ:  # a worker shares the list of who started it
    _ATTEMPTS.unlink(missing_ok=True)
    os.environ["DEEPMED_SOCKET_GUARD_LOG"] = str(_ATTEMPTS)

from deepmed.kit import logging  # noqa: E402 - the guard comes first
from deepmed.kit import settings as kit_settings  # noqa: E402 - likewise
from deepmed.kit.database import Database, open_database  # noqa: E402 - likewise
from deepmed.kit.settings import Settings  # noqa: E402 - likewise

if TYPE_CHECKING:
    from deepmed.kit.storage import FileStorageService

# Thousands of tests are collected, and none of them becomes garbage: looking for some among them
# took a quarter of the collection, and later of each look for that which a test leaves behind.
gc.disable()
NEW_OBJECTS = 5000
"""After so many the youngest are looked through: seven times as seldom as otherwise."""

REAL_DRAWINGS = Path(__file__).parents[2] / "shared" / "data" / "drawings" / "children_bird_dog.zip"


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A library may swallow the guard's error, so the suite looks at the guard's own list."""
    if not _ATTEMPTS.exists():
        return
    attempts = _ATTEMPTS.read_text(encoding="utf-8")
    _ATTEMPTS.unlink()
    sys.stderr.write(f"\nConnections to other machines were attempted:\n{attempts}")
    session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes made by a test may hold the time of day: workers would name that test differently."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _as_many_threads_as_before() -> Iterator[None]:
    """Sums of as many numbers by other threads differ in their last digits, test after test."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    yield
    if torch is not None and torch.get_num_threads() != before:
        torch.set_num_threads(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder that DEEPMED_HOME names, for this process and its children."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DEEPMED_HOME", str(folder))
    for name in ("DEEPMED_SETTINGS", "DEEPMED_DATABASE_URL", "DEEPMED_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    kit_settings.current.cache_clear()
    folder.mkdir(mode=0o700)
    yield folder
    kit_settings.current.cache_clear()


@pytest.fixture
def settings(home: Path) -> Settings:
    return kit_settings.load()


@pytest.fixture
def logs_of_every_level() -> Iterator[None]:
    """Whoever opened a data folder before has set the least level for the whole process."""
    before = structlog.get_config()
    logging.configure("debug")
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once and copied for each test."""
    from deepmed.kit.database.migration import upgrade

    path = tmp_path_factory.mktemp("template") / "deepmed.db"
    template = open_database(f"sqlite:///{path}")
    upgrade(template)
    template.close()
    return path


@pytest.fixture
def migrated_folder(tmp_path: Path, _migrated: Path) -> Callable[[str], Path]:
    """A further data folder of that name, whose database nobody need migrate again."""

    def made(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        shutil.copy(_migrated, folder / "deepmed.db")
        return folder

    return made


@pytest.fixture
def database(settings: Settings, _migrated: Path) -> Iterator[Database]:
    """The data folder's database, migrated; the same file that `open_home` would open."""
    from deepmed.migrations.models import metadata

    metadata()  # as open_home does: tables refer to each other by name
    shutil.copy(_migrated, settings.home / "deepmed.db")
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()


@pytest.fixture
def storage(settings: Settings) -> "FileStorageService":
    from deepmed.kit.storage import FileStorageService

    return FileStorageService(settings.resolved_storage_url)


@pytest.fixture
def owner_id(database: Database) -> int:
    """The person at this machine."""
    from deepmed.core.accounts.repository import local_owner_id

    with database.read() as session:
        return local_owner_id(session)


@pytest.fixture
def other_owner_id(database: Database) -> int:
    """Somebody else, who must not see what `owner_id` has."""
    from deepmed.core.accounts.tables import Owner

    with database.write() as session:
        other = Owner(name="somebody else")
        session.add(other)
        session.flush()
        return other.id


@pytest.fixture(scope="session")
def real_drawings_zip() -> Path:
    """Real children's drawings, which lie beside the repository and not in it."""
    if not REAL_DRAWINGS.is_file():
        pytest.skip(f"the real drawings are not there: {REAL_DRAWINGS.name} beside the repository")
    return REAL_DRAWINGS
