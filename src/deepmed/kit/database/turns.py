"""One writer at a time on servers too, as SQLite has it by itself.

A feature reads and then writes what follows from it: is this picture here already, which model is
in use, who still rests on this drawing. On a server two such blocks could run at once, each
unaware of the other. So each first takes its turn: a lock that ends with its transaction, however
that ends. Readers never wait for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from deepmed.kit.errors import ResourceError

LOCK_SECONDS = 30
IDLE_SECONDS = 60
"""After so long without a word from a writer its machine is taken for dead (PostgreSQL)."""

# PostgreSQL's locks have numbers, each database its own: letters that spell what they are for.
_WRITER = int.from_bytes(b"DM write")
_MIGRATION = int.from_bytes(b"DM steps")


def begin_write(session: Session) -> None:
    """Begin a transaction that writes: each statement sees what was committed before it.

    On SQLite it has its turn from here on, on a server it is one of several.
    """
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        session.connection(execution_options={"isolation_level": "READ COMMITTED"})
        return
    session.connection(execution_options={"deepmed_write": True})
    if dialect != "sqlite":
        # Of this transaction alone; PyMySQL begins it with the next statement.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"))


def take_turn(session: Session) -> None:
    """Wait until no other block of `Database.write` is open, and keep them out till the end."""
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        session.execute(
            text(
                "SELECT set_config('idle_in_transaction_session_timeout', :idle, true), "
                "pg_advisory_xact_lock(:key)"
            ),
            {"idle": f"{IDLE_SECONDS}s", "key": _WRITER},
        )
    elif dialect != "sqlite":
        # MySQL's named locks outlive a transaction, so a row that is always there is locked.
        session.execute(text("SELECT version_num FROM alembic_version FOR UPDATE"))


@contextmanager
def migration_turn(engine: Engine, seconds: int) -> Iterator[None]:
    """Keep the migrations of other machines out; a SQLite file has no other machine.

    Raises:
        ResourceError: another one has been migrating for so many seconds.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    # No transaction: MySQL's steps end one at each table, and the lock must outlive them all.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # the lock ends with the connection, so that goes into no pool
        _lock_migration(connection, seconds)
        yield


def _lock_migration(connection: Connection, seconds: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET lock_timeout = '{seconds}s'"))
        with _refused_in_words():
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION})
        return
    query = text("SELECT GET_LOCK(:name, :seconds)")
    values = {"name": _migration_name(connection.engine), "seconds": seconds}
    if connection.execute(query, values).scalar() != 1:
        raise _busy()


@contextmanager
def _refused_in_words() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise _busy() from error


def _busy() -> ResourceError:
    return ResourceError(
        "Another machine has been bringing the database up to date for two minutes. "
        "Nothing was changed; see whether it still runs, then try again."
    )


def _migration_name(engine: Engine) -> str:
    """MySQL's named locks are the whole server's, and short."""
    return f"deepmed-{sha256(str(engine.url.database).encode()).hexdigest()[:40]}"
