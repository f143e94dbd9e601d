"""Putting a backup's rows in the place of the present ones: in one transaction, on any engine."""

from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection, Table, text
from sqlalchemy.orm import Session

from deepmed.core.backups import repository, streams
from deepmed.core.backups.manifest import TableEntry
from deepmed.core.backups.snapshot import raise_last_id
from deepmed.kit import clock
from deepmed.kit.database import Base, Database
from deepmed.kit.errors import ConflictError


def replace_rows(
    source: Database,
    target: Database,
    told: Mapping[str, TableEntry],
    committing: Callable[[Session], None],
) -> None:
    """All rows of the target go and the source's come, at once for whoever reads meanwhile.

    Args:
        source: has today's tables.
        target: likewise.
        told: the greatest ids that the backup remembers; none is given again.
        committing: what else belongs into the same transaction.

    Raises:
        ConflictError: jobs run; nothing was changed.
        ResourceError: the database is out of reach or busy; nothing was changed.
    """
    with target.write() as session:
        connection = session.connection()
        _lock(connection)
        refuse_running_jobs(session)
        _empty(connection)
        with source.read() as read:
            for table in Base.metadata.sorted_tables:
                _copy(read.connection(), connection, table)
        if connection.dialect.name not in {"mysql", "mariadb"}:
            _raise_ids(connection, told)
        committing(session)
    if target.engine.dialect.name in {"mysql", "mariadb"}:  # where it would end the transaction
        with target.engine.begin() as connection:
            _raise_ids(connection, told)


def refuse_running_jobs(session: Session) -> None:
    """Raises ConflictError where a worker is at work: what it writes would fit nothing any more."""
    if running := repository.running_jobs(session, clock.now()):
        raise ConflictError(
            f"{running} jobs are running, and a restore would pull the ground from under them. "
            "Nothing was changed. Wait for their end or cancel them, see `deepmed job list --state "
            "running`, then try again."
        )


def _lock(connection: Connection) -> None:
    """PostgreSQL: keep out also those that write without taking a turn, as workers do."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in Base.metadata.sorted_tables)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def _empty(connection: Connection) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        if own := _own_references(table):
            connection.execute(sa.update(table).values(dict.fromkeys(own, sa.null())))
        connection.execute(sa.delete(table))


def _copy(source: Connection, target: Connection, table: Table) -> None:
    """Rows may refer to later rows of their own table: those references follow at the end."""
    columns, key = streams.columns_of(table), streams.key_of(table)
    own = frozenset(_own_references(table))
    found = streams.rows(source, table.name, columns, key)
    streams.write_rows(target, table.name, columns, found, own)
    for name in own:
        statement = (
            sa.update(table)
            .where(table.c[key] == sa.bindparam("own_key"))
            .values({name: sa.bindparam("own_value")})
        )
        for batch in _references(source, table, key, name):
            target.execute(statement, batch)


def _references(
    source: Connection, table: Table, key: str, name: str
) -> Iterator[list[dict[str, int]]]:
    query = sa.select(table.c[key], table.c[name]).where(table.c[name].is_not(None))
    with source.execute(query, execution_options={"yield_per": 1000}) as found:
        for rows in found.partitions():
            yield [{"own_key": row[0], "own_value": row[1]} for row in rows]


def _own_references(table: Table) -> list[str]:
    return [
        column.name
        for column in table.columns
        if any(one.column.table is table for one in column.foreign_keys)
    ]


def _raise_ids(connection: Connection, told: Mapping[str, TableEntry]) -> None:
    for table in Base.metadata.sorted_tables:
        if table.name in told:
            raise_last_id(connection, table.name, streams.key_of(table), told[table.name].last_id)
