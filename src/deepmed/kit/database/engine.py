import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from deepmed.kit.database.failures import explained, tell_errors
from deepmed.kit.database.revision import (
    KeptAnswers,
    mark_changed,
    name_the_state,
    notice_changes,
    use_answers,
)
from deepmed.kit.database.turns import LOCK_SECONDS, begin_write, take_turn
from deepmed.kit.errors import ConfigurationError

PAGE_COST = 1.1
"""What PostgreSQL reckons for a page that is not the next one; what is asked here is in memory."""

# Who names only the engine gets the driver that comes with `deepmed[postgresql]` or `[mysql]`.
DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
# Connections open when they are needed. Two for each of a server's 40 threads: a thread that holds
# one and waits for its second must not wait for others that do the same. One for each thread stays
# open, since opening one takes longer than most queries; those used last are used first.
POOL = {"pool_size": 40, "max_overflow": 40, "pool_use_lifo": True}


class Database:
    """An engine and its two kinds of session. Only the edge opens one, and so commits."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._answers = KeptAnswers()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One write transaction: committed at the end of the block, undone on any error.

        It is the only one of its kind: others wait till its end, on every engine (on SQLite by
        BEGIN IMMEDIATE). So what the block reads stays true until it has written what follows.
        Keep blocks short, and never nest them: the inner one would wait for the outer one.

        Raises:
            ResourceError: the database is out of reach, or busy for too long.
            ValidationError: a value is too long or too large for its column.
        """
        with explained(), self._sessions() as session:
            begin_write(session)
            take_turn(session)
            yield session
            name_the_state(session)
            session.commit()

    @contextmanager
    def write_concurrently(self) -> Iterator[Session]:
        """A write transaction beside others, for code that locks the rows it relies on.

        On SQLite there is no such thing, and it is like `write`.

        Raises:
            ResourceError: as `write`, and for a deadlock with another one; nothing was changed.
            ValidationError: as `write`.
        """
        with explained(), self._sessions() as session:
            begin_write(session)
            yield session
            name_the_state(session)
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that is never committed; its rows stay readable after the block.

        All its queries see the same state of the database, that of the first one.

        Raises:
            ResourceError: the database is out of reach.
        """
        with explained(), self._sessions() as session:
            use_answers(session, self._answers)
            yield session
            # Closing undoes whatever was changed; a rollback would also forget the rows' values.

    def recount(self) -> None:
        """Let every process count anew, as after a change: for whoever wrote past this class."""
        with self.write() as session:
            mark_changed(session)

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
        ConfigurationError: the URL cannot be understood, its engine is not one of ours, or its
            driver is not installed.
    """
    try:
        parsed = make_url(url)
    # A ValueError is a port that is no number; the URL itself stays unsaid, it holds a password.
    except (ArgumentError, ValueError) as error:
        raise _not_a_url() from error
    known = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    if known.drivername not in DRIVERS.values():
        raise _not_a_url()
    try:
        return Database(_engine(known))
    except ModuleNotFoundError as error:
        extra = "postgresql" if known.get_backend_name() == "postgresql" else "mysql"
        raise ConfigurationError(
            f"DEEPMED_DATABASE_URL needs the driver {error.name!r}, which is not installed. "
            f"Install it with pip install 'deepmed[{extra}]', or use SQLite by leaving the "
            "variable unset."
        ) from error


def _not_a_url() -> ConfigurationError:
    return ConfigurationError(
        "DEEPMED_DATABASE_URL is not the URL of a database that DeepMed works with. Examples: "
        "sqlite:////data/deepmed.db, postgresql://user:password@host/name, "
        "mysql://user:password@host/name"
    )


def _engine(url: URL) -> Engine:
    # Parameters are patients' values: they stay out of errors and logs. Not-a-number is not
    # JSON; SQLite would take it and the servers would not, so it is refused everywhere.
    common: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": partial(json.dumps, allow_nan=False),
    }
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, common)
    if url.get_backend_name() == "postgresql":
        # Prepared statements would not survive a migration that another process makes.
        common["connect_args"] = {"prepare_threshold": None}
    # A reader's queries see one state, as on SQLite; what writers see, `begin_write` says.
    engine = create_engine(
        url, pool_pre_ping=True, isolation_level="REPEATABLE READ", **POOL, **common
    )
    prepare = _prepare_postgresql if engine.dialect.name == "postgresql" else _prepare_mysql
    event.listen(engine, "connect", prepare)
    tell_errors(engine)
    notice_changes(engine)
    return engine


def _sqlite(url: URL, common: dict[str, Any]) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        common |= POOL
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS}, **common)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    notice_changes(engine)
    return engine


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.autocommit = True  # or the next rollback would undo the setting
    connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    # The default is that of turning disks, on which an index is worth little to whoever counts.
    connection.execute(f"SET random_page_cost = {PAGE_COST}")
    connection.autocommit = False


def _prepare_mysql(connection: Any, _record: Any) -> None:
    """Whatever the server is set to: wait no longer than elsewhere, and never shorten a value."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}")
        cursor.execute(
            "SET SESSION sql_mode = "
            "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE')"
        )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours: see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={LOCK_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("deepmed_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
