"""One state of the database, held still while writers go on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.orm import Session

from deepmed.core.backups import streams
from deepmed.core.backups.manifest import TableEntry
from deepmed.kit import clock
from deepmed.kit.database import Base, Database, migration, open_database
from deepmed.kit.errors import ConflictError, StorageError

_COUNTERS = {"sqlite": "SELECT seq FROM sqlite_sequence WHERE name = :table"}
_MYSQL_COUNTER = (
    "SELECT auto_increment - 1 FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = :table"
)


@dataclass(frozen=True)
class Snapshot:
    """What was committed at `taken_at`, and nothing that came later.

    Attributes:
        session: reads that state.
        file: SQLite's copy of it; None on a server, whose rows are read instead.
    """

    session: Session
    taken_at: datetime
    file: Path | None

    def revision(self) -> str:
        """The step that the database is at."""
        return str(self.session.execute(text("SELECT version_num FROM alembic_version")).scalar())

    def tables(self) -> dict[str, TableEntry]:
        """The rows of every table that there is at this step, and its greatest id."""
        connection = self.session.connection()
        there = set(inspect(connection).get_table_names())
        return {
            table.name: TableEntry(
                rows=self.session.scalar(select(func.count()).select_from(table)) or 0,
                last_id=last_id(connection, table.name, streams.key_of(table)),
                columns=streams.columns_of(table),
            )
            for table in Base.metadata.sorted_tables
            if table.name in there
        }


@contextmanager
def snapshot(database: Database, folder: Path) -> Iterator[Snapshot]:
    """Take one; SQLite's is a copy in the folder, made with its online backup in one go.

    Raises:
        StorageError: the database is in memory only.
        ConflictError: a server's database is not at this program's step.
        ResourceError: the database is out of reach.
    """
    if database.engine.dialect.name == "sqlite":
        with _copied(database, folder / "database.db") as found:
            yield found
        return
    with database.read() as session:
        # The first query fixes what all later ones see: REPEATABLE READ on both servers.
        taken = Snapshot(session, clock.now(), None)
        if taken.revision() != migration.revisions()[-1]:
            raise ConflictError(
                "The database is not at this program's step, so its rows cannot be read. No backup "
                "was made. Make one with the version that the database belongs to, or with the "
                "server's own tool."
            )
        yield taken


@contextmanager
def _copied(database: Database, target: Path) -> Iterator[Snapshot]:
    taken_at = copy_sqlite(database, target)
    copy = open_database(f"sqlite:///{target}")
    try:
        with copy.read() as session:
            yield Snapshot(session, taken_at, target)
    finally:
        copy.close()


def copy_sqlite(database: Database, target: Path) -> datetime:
    """A consistent copy of the file; returns a moment before which all that is in it was committed.

    All pages are read in one step, in one read transaction: writers go on meanwhile, and none of
    what they write gets in. Free pages are cleared, for they may hold what was deleted.
    """
    if database.file is None:
        raise StorageError(
            "The database is in memory only, so there is nothing to back up. Nothing was changed."
        )
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(database.file)) as source, closing(sqlite3.connect(target)) as to:
        moment = clock.now()
        source.backup(to, pages=-1)
        to.execute("PRAGMA journal_mode=DELETE")
        to.execute("VACUUM")
    target.chmod(0o600)
    return moment


def last_id(connection: Connection, table: str, key: str) -> int:
    """The greatest id that the table ever had, as far as the database remembers."""
    return max(_highest(connection, table, key), _counter(connection, table, key))


def raise_last_id(connection: Connection, table: str, key: str, least: int) -> None:
    """Let ids go on after `least`, and after those that are there; a greater counter is kept.

    On MySQL this ends the transaction, so there it is called after it.
    """
    name = connection.dialect.name
    wanted = max(least, _highest(connection, table, key))
    if wanted <= _counter(connection, table, key):
        return
    if name == "sqlite":
        values = {"table": table, "least": wanted}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), values)
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :least)"), values)
    elif name == "postgresql":
        if sequence := _sequence(connection, table, key):
            values = {"name": sequence, "least": wanted}
            connection.execute(text("SELECT setval(:name, :least)"), values)
    else:
        connection.execute(text(f"ALTER TABLE {table} AUTO_INCREMENT = {wanted + 1:d}"))


def _highest(connection: Connection, table: str, key: str) -> int:
    highest = text(f"SELECT MAX({key}) FROM {table}")  # noqa: S608 - names of our own tables
    return _number(connection.execute(highest).scalar())


def _counter(connection: Connection, table: str, key: str) -> int:
    name = connection.dialect.name
    query: str | None = _COUNTERS.get(name, _MYSQL_COUNTER)
    if name == "postgresql":
        sequence = _sequence(connection, table, key)
        query = f"SELECT last_value FROM {sequence} WHERE is_called" if sequence else None  # noqa: S608 - the server's own name
    if query is None:
        return 0
    values = {"table": table} if ":table" in query else {}
    return _number(connection.execute(text(query), values).scalar())


def _sequence(connection: Connection, table: str, key: str) -> str | None:
    query = text("SELECT pg_get_serial_sequence(:table, :key)")
    found: str | None = connection.execute(query, {"table": table, "key": key}).scalar()
    return found


def _number(value: Any) -> int:
    return int(value or 0)
