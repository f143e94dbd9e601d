"""Composition root: from settings to an open data folder, for the command line and the server."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from deepmed.core.accounts.repository import local_owner_id
from deepmed.kit import logging
from deepmed.kit.database import Database, open_database
from deepmed.kit.database.migration import upgrade
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.settings import Settings, current
from deepmed.migrations.models import metadata

if TYPE_CHECKING:
    from deepmed.core.registry.service import ArtifactRegistry
    from deepmed.kit.storage import FileStorageService


@dataclass(frozen=True)
class Home:
    """An open data folder: what every slice is given. Closes as a context manager.

    The file store and the registry open when they are first asked for, so that a command that
    needs neither does not wait for them.
    """

    settings: Settings
    database: Database
    owner_id: int

    @cached_property
    def storage(self) -> "FileStorageService":
        from deepmed.kit.storage import FileStorageService  # noqa: PLC0415 - see the class

        return FileStorageService(self.settings.resolved_storage_url)

    @cached_property
    def registry(self) -> "ArtifactRegistry":
        from deepmed.core.registry.keys import open_keys  # noqa: PLC0415 - see the class
        from deepmed.core.registry.service import ArtifactRegistry  # noqa: PLC0415 - see the class

        keys = open_keys(self.settings.home / "keys")
        return ArtifactRegistry(self.database, self.storage, keys, self.owner_id)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_home(settings: Settings | None = None) -> Home:
    """Open the data folder, made and brought up to date where needed, for its local owner.

    Raises:
        ConfigurationError: a setting is wrong, the folder cannot be made, or a newer version
            made its database.
        ResourceError: the database is out of reach.
    """
    settings = settings or current()
    make_folder(settings.home)
    logging.configure(settings.log_level)
    limit_threads(settings.threads)
    metadata()  # tables refer to each other by name, so all of them must be known
    database = open_database(settings.resolved_database_url)
    try:
        upgrade(database, lock_folder=settings.home)
        with database.read() as session:
            return Home(settings, database, local_owner_id(session))
    except BaseException:
        database.close()
        raise


def make_folder(home: Path) -> None:
    """Make the data folder for this user alone; one that is there keeps its rights."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(home, os.W_OK | os.X_OK)
    except OSError as error:
        raise _unusable(home, error.strerror or type(error).__name__) from error
    if not usable:
        raise _unusable(home, "no right to write")


def limit_threads(count: int) -> None:
    """Let numeric libraries take `count` threads, in children too; 0 leaves it to them."""
    if not count:
        return
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(count)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)


def _unusable(home: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The data folder {home} cannot be used: {reason}. Nothing was changed. Set DEEPMED_HOME "
        "to a folder that you may write to."
    )
