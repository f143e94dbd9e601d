"""From settings to an open data folder, for the command line and the server."""

import os
import sys
from pathlib import Path
from typing import Any

from deepmed.core.accounts.repository import local_owner_id
from deepmed.core.backups.names import JOURNAL
from deepmed.core.home import Home
from deepmed.kit import logging
from deepmed.kit.database import open_database
from deepmed.kit.database.migration import upgrade
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.settings import Settings, current
from deepmed.migrations.models import metadata


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
            home = Home(settings, database, local_owner_id(session))
        finish_restore(home)
    except BaseException:
        database.close()
        raise
    return home


def finish_restore(home: Home) -> None:
    """Where a restore was killed after its commit, let the files follow; mostly there is none."""
    folder = home.settings.resolved_backup_folder
    if (folder / JOURNAL).exists():
        from deepmed.core.backups.journal import complete_alone  # noqa: PLC0415 - rarely needed

        complete_alone(home.database, home.storage, folder)


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
