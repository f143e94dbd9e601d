"""The database of a backup, brought up to this version's tables beside the one in use."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from deepmed.core.backups import repository, streams
from deepmed.core.backups.archive import Backup
from deepmed.core.backups.errors import BackupRefusedError
from deepmed.core.jobs import endings
from deepmed.kit.database import Database, migration, open_database
from deepmed.kit.errors import ConflictError


@contextmanager
def scratch_database(backup: Backup, folder: Path) -> Iterator[Database]:
    """The backup's rows in a SQLite file with today's tables, checked.

    Raises:
        ConflictError: a newer version made the backup.
        BackupRefusedError: it is damaged.
    """
    check_revision(backup.manifest.revision)
    file = folder / "restored.db"
    if backup.manifest.database == "sqlite":
        with file.open("xb") as target:
            target.writelines(backup.stream_database())
    database = open_database(f"sqlite:///{file}")
    try:
        if backup.manifest.database == "lines":
            migration.upgrade(database, backup.manifest.revision, lock_folder=folder)
            _load(backup, database)
        check_file(file)
        migration.upgrade(database, lock_folder=folder)
        yield database
    finally:
        database.close()


def check_revision(revision: str) -> None:
    """Raises ConflictError where only a newer version can read it."""
    if revision not in migration.revisions():
        raise ConflictError(
            f"The backup is at step {revision} of the database, and this version knows steps up to "
            f"{migration.revisions()[-1]}: a newer version made it. Nothing was changed; restore "
            "it with that version."
        )


def check_file(file: Path) -> None:
    """SQLite's own checks of a file. Raises BackupRefusedError where one finds something."""
    with closing(sqlite3.connect(file)) as connection:
        try:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.DatabaseError as error:
            raise BackupRefusedError("The database of the backup is damaged.") from error
    if found != "ok" or orphans is not None:
        raise BackupRefusedError(
            "The database of the backup is damaged: its own check fails. Nothing was changed here."
        )


def end_jobs(database: Database) -> int:
    """Cancel what was queued or running when the backup was made: nobody asked for it today."""
    with database.write() as session:
        unfinished = repository.unfinished_jobs(session)
        for job_id in unfinished:
            endings.cancel(session, job_id)
    return len(unfinished)


def _load(backup: Backup, database: Database) -> None:
    """Fill the tables of the backup's own version; what its migrations put there goes first."""
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - a scratch is SQLite always
        raw.execute("PRAGMA foreign_keys=OFF")  # tables come in no order; checked afterwards
        with connection.execution_options(deepmed_write=True).begin():
            for name, told in backup.manifest.tables.items():
                connection.exec_driver_sql(f'DELETE FROM "{_checked(name)}"')  # noqa: S608 - a name, see _checked
                lines = streams.from_lines(backup.table_lines(name), told.columns)
                count = streams.write_rows(connection, name, told.columns, lines)
                if count != told.rows:
                    raise BackupRefusedError(f"The backup's table {name} lacks rows.")


def _checked(name: str) -> str:
    """Signed or not, a name that is no table's goes into no statement."""
    if not name.replace("_", "").isalnum():
        raise BackupRefusedError("The backup names a table that cannot be.")
    return name
