"""Bringing a database to the shape that this version of the program works with (P-4)."""

from importlib.resources import files
from pathlib import Path
from types import ModuleType

from sqlalchemy import inspect, text

from deepmed.kit.database.engine import Database
from deepmed.kit.errors import ConfigurationError, ValidationError

_VERSION_TABLE = "alembic_version"


def revisions() -> list[str]:
    """All steps that this program knows, oldest first; a step's file begins with its number."""
    folder = files("deepmed.migrations.versions")
    return sorted(
        item.name.partition("_")[0] for item in folder.iterdir() if item.name[:1].isdigit()
    )


def current(database: Database) -> str | None:
    """The step that the database is at; None where it is empty."""
    with database.read() as session:
        if not inspect(session.connection()).has_table(_VERSION_TABLE):
            return None
        found: str | None = session.execute(
            text(f"SELECT version_num FROM {_VERSION_TABLE}")  # noqa: S608 - a constant
        ).scalar()
        return found


def upgrade(database: Database, revision: str = "head", lock_folder: Path | None = None) -> None:
    """Bring the database up to a step; one of several processes does it, the others wait.

    On SQLite and PostgreSQL it happens as a whole or not at all, a kill included. The processes
    of an installation meet at a lock in `lock_folder`, or beside a SQLite file when unset.

    Raises:
        ConfigurationError: a newer version of the program made this database.
        ResourceError: another process has been migrating for two minutes.
        ValidationError: there is no such step, or the database is beyond it.
    """
    wanted = revisions()[-1] if revision == "head" else revision
    if current(database) == wanted:  # most starts: no lock, no Alembic
        return
    with _steps().locked(database, lock_folder):
        at = current(database)
        _check_way(at, wanted, up=True)
        if (at or "base") != wanted:
            _steps().run(database, "upgrade", wanted)


def downgrade(database: Database, revision: str = "base", lock_folder: Path | None = None) -> None:
    """Undo the steps after `revision`, and the data with them that only later steps can hold.

    Raises:
        ConfigurationError: a newer version of the program made this database.
        ResourceError: another process has been migrating for two minutes.
        ValidationError: there is no such step, or the database is not that far.
    """
    with _steps().locked(database, lock_folder):
        _check_way(current(database), revision, up=False)
        _steps().run(database, "downgrade", revision)


def check(database: Database) -> list[str]:
    """What differs between the database and the program's tables; nothing when all is well."""
    at, head = current(database), revisions()[-1]
    if at != head:
        return [f"The database is at step {at or 'none'}, this program needs step {head}."]
    found: list[str] = _steps().differences(database)
    return found


def offline_sql(dialect: str) -> str:
    """The SQL of all steps for `sqlite`, `postgresql`, `mysql` or `mariadb`, to read or review."""
    found: str = _steps().offline_sql(dialect)
    return found


def _steps() -> ModuleType:
    from deepmed.kit.database import steps  # noqa: PLC0415 - Alembic takes 0.3 s to load

    return steps


def _check_way(at: str | None, wanted: str, *, up: bool) -> None:
    known = ["base", *revisions()]
    if at is not None and at not in known:
        raise ConfigurationError(
            f"The database is at step {at}, which this version does not know: a newer version "
            "made it. Nothing was changed; use that version."
        )
    start = known.index(at or "base")
    if wanted not in known or (known.index(wanted) < start if up else known.index(wanted) > start):
        reachable = known[start:] if up else known[: start + 1]
        raise ValidationError(
            f"From here, step {wanted!r} is not {'above' if up else 'below'}. Nothing was changed. "
            f"Choose one of {', '.join(reachable)}."
        )
