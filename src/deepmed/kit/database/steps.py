"""What needs Alembic: running steps and comparing the result with the models."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from filelock import FileLock, Timeout
from sqlalchemy import CheckConstraint, Connection, Engine, MetaData, inspect
from sqlalchemy.exc import DBAPIError, OperationalError

from deepmed.kit.database.engine import Database
from deepmed.kit.database.failures import explained
from deepmed.kit.database.turns import migration_turn
from deepmed.kit.errors import ConflictError, ResourceError

LOCK_TIMEOUT_SECONDS = 120


def run(database: Database, direction: str, revision: str) -> None:
    """Run Alembic's `upgrade` or `downgrade` in one transaction, as far as the engine has it."""
    with explained(), _half_way_told(database.engine), _connection(database) as connection:
        getattr(command, direction)(_config({"connection": connection}), revision)
        _refuse_orphans(connection)


def differences(database: Database) -> list[str]:
    # By name: the kit stands below the slices whose tables these are.
    wanted: MetaData = import_module("deepmed.migrations.models").metadata()
    with database.read() as session:
        connection = session.connection()
        found = compare_metadata(MigrationContext.configure(connection), wanted)
        return [_told(difference) for difference in found] + _missing_checks(connection, wanted)


def offline_sql(dialect: str) -> str:
    config = _config({"dialect": dialect})
    config.output_buffer = io.StringIO()
    command.upgrade(config, "head", sql=True)
    return config.output_buffer.getvalue()


@contextmanager
def locked(database: Database, folder: Path | None) -> Iterator[None]:
    """Processes of this machine meet at a file, those of others at the server."""
    home = database.file.parent if database.file else Path(tempfile.gettempdir())
    try:
        with (
            FileLock((folder or home) / "migration.lock", timeout=LOCK_TIMEOUT_SECONDS),
            migration_turn(database.engine, LOCK_TIMEOUT_SECONDS),
        ):
            yield
    except Timeout as error:
        raise ResourceError(
            "Another process has been bringing the database up to date for two minutes. "
            "Nothing was changed; see whether it still runs, then try again."
        ) from error


@contextmanager
def _half_way_told(engine: Engine) -> Iterator[None]:
    """MySQL ends a transaction at each table that it makes, so it cannot undo half a step."""
    undone = engine.dialect.name in {"sqlite", "postgresql"}
    try:
        yield
    except OperationalError as error:
        if undone:  # out of reach, or busy
            raise
        raise ConflictError(_stopped(error)) from error
    except DBAPIError as error:
        message = f"A step failed and was undone: {error.orig}. Nothing was changed."
        raise ConflictError(message if undone else _stopped(error)) from error


def _stopped(error: DBAPIError) -> str:
    return (
        f"A step stopped half way: {error.orig}. This engine cannot undo half a step. Restore the "
        "backup made before it, or empty the database if it held nothing yet; then run "
        "`deepmed db upgrade`."
    )


def _config(attributes: dict[str, Any]) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", "deepmed:migrations")
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connection(database: Database) -> Iterator[Connection]:
    """One transaction for all steps.

    SQLite's foreign keys sleep meanwhile: a step that rebuilds a table drops the old one, which
    would otherwise delete every row that refers to it.
    """
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.execution_options(deepmed_write=True).begin():
                yield connection
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


def _refuse_orphans(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if orphans:
        tables = ", ".join(sorted({str(row[0]) for row in orphans}))
        raise ConflictError(
            f"The step would leave rows that refer to nothing, in {tables}. It was undone."
        )


def _missing_checks(connection: Connection, wanted: MetaData) -> list[str]:
    """Alembic does not compare check constraints, so we do, by name."""
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    missing = []
    for table in (table for table in wanted.sorted_tables if table.name in there):
        kept = {item["name"] for item in inspector.get_check_constraints(table.name)}
        ours = {str(item.name) for item in table.constraints if isinstance(item, CheckConstraint)}
        missing += [f"missing check: {table.name} {name}" for name in sorted(ours - kept)]
    return missing


def _told(difference: Any) -> str:
    """Alembic's tuple, or list of tuples for a changed column, in one line."""
    if isinstance(difference, list):
        return "; ".join(_told(item) for item in difference)
    kind, *rest = difference
    named = [str(getattr(item, "name", item)) for item in rest if item is not None]
    return f"{kind.replace('_', ' ')}: {' '.join(named)}"
