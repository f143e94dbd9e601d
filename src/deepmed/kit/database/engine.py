import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from deepmed.kit.errors import ConfigurationError, ResourceError

BUSY_TIMEOUT_SECONDS = 30


class Database:
    """An engine and its two kinds of session. Only the edge opens one, and so commits."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One write transaction: committed at the end of the block, undone on any error.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so two writers queue up
        instead of failing half way. Blocks must not be nested: the inner one would wait for the
        outer one.

        Raises:
            ResourceError: the database is out of reach, or busy for too long.
        """
        with _explained(), self._sessions() as session:
            session.connection(execution_options={"deepmed_write": True})
            yield session
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that is never committed; its rows stay readable after the block.

        Raises:
            ResourceError: the database is out of reach.
        """
        with _explained(), self._sessions() as session:
            yield session
            # Closing undoes whatever was changed; a rollback would also forget the rows' values.

    @property
    def file(self) -> Path | None:
        """SQLite's file; None for a server or a database in memory."""
        url = self.engine.url
        in_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
        return Path(str(url.database)) if in_file else None

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database of `url`; a SQLite file's folder is made when missing.

    Raises:
        ConfigurationError: the URL cannot be understood, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        return Database(_engine(parsed))
    # A ValueError is a port that is no number; the URL itself stays unsaid, it holds a password.
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "DEEPMED_DATABASE_URL is not a database URL. An example: sqlite:////data/deepmed.db"
        ) from error
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"DEEPMED_DATABASE_URL needs the driver {error.name!r}, which is not installed. "
            "Install it, or use SQLite by leaving the variable unset."
        ) from error


def _engine(url: URL) -> Engine:
    # Parameters are patients' values: they stay out of errors and logs. Not-a-number is not
    # JSON; SQLite would take it and the servers would not, so it is refused everywhere.
    common: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": partial(json.dumps, allow_nan=False),
    }
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, **common)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, **common)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours: see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("deepmed_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        raise ResourceError(
            f"The database cannot be used: {reason}. The change was undone as a whole. "
            "See that the database runs and no other process keeps it busy, then try again."
        ) from error
