"""Looking after the database: is it whole, is it at the right step, is another one like it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ForeignKey, Table, func, inspect, select, text
from sqlalchemy.orm import Session

from deepmed.core.backups.errors import AddressRefusedError
from deepmed.core.backups.owned_files import named_keys
from deepmed.core.home import Home
from deepmed.kit.database import Base, Database, migration, open_database
from deepmed.kit.errors import ConflictError, ValidationError

OTHER = "DEEPMED_OTHER_DATABASE_URL"
Schema = dict[str, list[str]]


@dataclass(frozen=True)
class Standing:
    """At which step the database is."""

    current_revision: str | None
    head_revision: str

    @property
    def is_up_to_date(self) -> bool:
        return self.current_revision == self.head_revision


@dataclass(frozen=True)
class Consistency:
    """What checks of the whole database found."""

    foreign_keys_enabled: bool
    table_count: int
    errors: list[str]

    @property
    def passed(self) -> bool:
        return not self.errors


@dataclass(frozen=True)
class Comparison:
    """Two databases' tables, and in what they differ."""

    current: Schema
    other: Schema
    differences: list[str]


def standing(database: Database) -> Standing:
    return Standing(migration.current(database), migration.revisions()[-1])


def check_target(revision: str) -> None:
    """See that a running server may go to this step.

    Raises:
        ValidationError: there is no such step.
        ConflictError: it is another step than the newest one: this program could not go on.
    """
    known = migration.revisions()
    if revision not in {"head", *known}:
        raise ValidationError(
            f"There is no step {revision!r}. Nothing was changed; there are: {', '.join(known)}, "
            "and head for the newest."
        )
    if revision not in {"head", known[-1]}:
        raise ConflictError(
            f"Step {revision} is not the newest one, and a running server works with the newest "
            "tables alone. Nothing was changed. End the server, then use `deepmed db downgrade` "
            "with the version of the program that needs it."
        )


def migrate(database: Database, revision: str) -> bool:
    """Bring the database up to date; whether anything was to do. Raises as `check_target`."""
    check_target(revision)
    before = standing(database)
    migration.upgrade(database)
    return not before.is_up_to_date


def check(home: Home) -> Consistency:
    """Every check there is: tables, references, the engine's own, and files that rows name."""
    database = home.database
    errors = migration.check(database)
    with database.read() as session:
        enabled = _foreign_keys_enabled(session)
        count = len(inspect(session.connection()).get_table_names())
        errors += [] if enabled else ["The database does not watch over references."]
        errors += _own_check(session)
        errors += _orphans(session)
        errors += _missing_files(home, session)
    return Consistency(enabled, count, errors)


def compare(home: Home, named: str) -> Comparison:
    """Compare the tables with those of the database that a setting names.

    Args:
        home: whose database it is.
        named: the setting's name. An address is refused: connecting to what a request says would
            let whoever sends it look around in this machine's network, and passwords would be in
            requests and logs.

    Raises:
        AddressRefusedError: it is not the setting's name.
        ValidationError: the setting is not set.
        ResourceError: that database is out of reach.
    """
    if named != OTHER:
        raise AddressRefusedError(
            "A request may not say which database to connect to. Nothing was connected to. Set "
            f"{OTHER} where the server starts and send that name, or use: deepmed db compare"
        )
    url = home.settings.other_database_url
    if url is None:
        raise ValidationError(f"{OTHER} is not set, so there is nothing to compare with.")
    other = open_database(url.get_secret_value())
    try:
        mine, theirs = _schema(home.database), _schema(other)
        differences = [*_revisions(home.database, other), *_differences(mine, theirs)]
    finally:
        other.close()
    return Comparison(mine, theirs, differences)


def _foreign_keys_enabled(session: Session) -> bool:
    queries = {"sqlite": "PRAGMA foreign_keys", "postgresql": "SELECT 1"}
    query = queries.get(session.get_bind().dialect.name, "SELECT @@foreign_key_checks")
    return bool(session.execute(text(query)).scalar())


def _own_check(session: Session) -> list[str]:
    """SQLite reads its whole file; MySQL its tables; PostgreSQL has nothing built in."""
    name = session.get_bind().dialect.name
    if name == "sqlite":
        found: Iterable[str] = session.execute(text("PRAGMA integrity_check")).scalars()
        return [f"SQLite: {line}" for line in found if line != "ok"]
    if name == "postgresql":
        return []
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    lines = session.execute(text(f"CHECK TABLE {tables}")).all()
    return [f"{row[0]}: {row[3]}" for row in lines if row[2] == "error"]


def _orphans(session: Session) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for reference in table.foreign_keys:
            if count := _count_orphans(session, table, reference):
                yield f"{count} rows of {table.name} refer by {reference.parent.name} to nothing."


def _count_orphans(session: Session, table: Table, reference: ForeignKey) -> int:
    child, parent = table.alias(), reference.column.table.alias()
    column = child.c[reference.parent.name]
    query = (
        select(func.count())
        .select_from(child)
        .outerjoin(parent, column == parent.c[reference.column.name])
        .where(column.is_not(None), parent.c[reference.column.name].is_(None))
    )
    return session.scalar(query) or 0


def _missing_files(home: Home, session: Session) -> list[str]:
    there = {stored.key for stored in home.storage.list_files()}
    missing = sum(1 for key in named_keys(session, home.storage) if key not in there)
    return [f"{missing} files that rows name are not in the file store."] if missing else []


def _schema(database: Database) -> Schema:
    """Each table with its columns; what every engine says in the same way."""
    with database.read() as session:
        inspector = inspect(session.connection())
        return {
            name: [_column(column) for column in inspector.get_columns(name)]
            for name in sorted(inspector.get_table_names())
        }


def _column(column: Any) -> str:
    return str(column["name"]) if column["nullable"] else f"{column['name']} not null"


def _revisions(mine: Database, other: Database) -> list[str]:
    here, there = migration.current(mine), migration.current(other)
    return [] if here == there else [f"This one is at step {here}, the other at {there}."]


def _differences(mine: Schema, theirs: Schema) -> Iterator[str]:
    for name in sorted(mine.keys() ^ theirs.keys()):
        yield f"Only {'this one' if name in mine else 'the other'} has the table {name}."
    for name in sorted(mine.keys() & theirs.keys()):
        for column in sorted(set(mine[name]) ^ set(theirs[name])):
            which = "this one" if column in mine[name] else "the other"
            yield f"Only {which} has {name}.{column}."
