"""Databases on all three engines: `any_database` runs a test on SQLite, PostgreSQL and MariaDB.

The servers start when the first test of the run asks for them, once for all workers, and end with
the run. Where one cannot be had its tests skip aloud, and fail under DEEPMED_REQUIRE_ALL=1.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import memory_files
from database_servers import SERVERS, Server, ServerMissingError
from deepmed.kit import settings as kit_settings
from deepmed.kit.database import Database, open_database
from deepmed.kit.settings import Settings

ENGINES = ("sqlite", *SERVERS)
END_SECONDS = 30
_FOLDER = pytest.StashKey[Path]()
_RUN = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """The run's first process makes the folder, the workers are told about it."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.stash[_RUN] = os.getpid()
        config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="deepmed-", dir=memory_files.folder()))
        config.stash[_FOLDER].chmod(0o711)  # the servers run as users of their own
    else:
        config.stash[_RUN] = int(given["databases_run"])
        config.stash[_FOLDER] = Path(given["databases_folder"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["databases_run"] = node.config.stash[_RUN]
    node.workerinput["databases_folder"] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or _FOLDER not in config.stash:
        return
    folder = config.stash[_FOLDER]
    keepers = list(folder.glob("*.keeper"))
    for keeper in keepers:
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int(keeper.read_text(encoding="ascii")), signal.SIGTERM)
    limit = time.monotonic() + END_SECONDS
    while any(keeper.exists() for keeper in keepers) and time.monotonic() < limit:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> Callable[[str], Server]:
    """The started server of an engine, by name; skips where it cannot be had."""
    started: dict[str, Server] = {}

    def server(name: str) -> Server:
        if name not in started:
            found = SERVERS[name](pytestconfig.stash[_RUN], pytestconfig.stash[_FOLDER])
            try:
                found.start()
            except ServerMissingError as error:
                pytest.skip(str(error))
            started[name] = found
        return started[name]

    return server


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """`sqlite`, `postgresql` or `mysql`; parametrise it yourself to run on some of them only."""
    return str(request.param)


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`new_database(engine, migrated=True)`: the URL of a database of the test's own."""
    made: list[tuple[Server, str]] = []

    def new(engine: str, *, migrated: bool = True) -> str:
        if engine == "sqlite":
            path = tmp_path / f"database-{len(list(tmp_path.glob('database-*.db')))}.db"
            if migrated:
                shutil.copy(request.getfixturevalue("_migrated"), path)
            return f"sqlite:///{path}"
        server: Server = request.getfixturevalue("database_server")(engine)
        name = server.new(migrated=migrated)
        made.append((server, name))
        return server.url(name)

    yield new
    for server, name in made:
        server.drop(name)


@pytest.fixture
def empty_database_url(engine_name: str, new_database: Callable[..., str]) -> str:
    """A database without any table, on each engine."""
    return new_database(engine_name, migrated=False)


@pytest.fixture
def database_url(engine_name: str, new_database: Callable[..., str]) -> str:
    """A migrated database that holds the local owner and nothing else, on each engine."""
    return new_database(engine_name)


@pytest.fixture
def any_database(database_url: str) -> Iterator[Database]:
    """The same, opened; `any_settings` names it too."""
    from deepmed.migrations.models import metadata

    metadata()  # as open_home does: tables refer to each other by name
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def any_settings(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty data folder whose DEEPMED_DATABASE_URL names the engine's database.

    For this process and its children; `open_home(any_settings)` opens it.
    """
    monkeypatch.setenv("DEEPMED_DATABASE_URL", database_url)
    kit_settings.current.cache_clear()
    return kit_settings.load()
