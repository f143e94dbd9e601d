"""Tables as lines of JSON, one a row, in the order of their keys; the same on every engine."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table, select
from sqlalchemy.sql.elements import ColumnElement

from deepmed.core.backups.errors import BackupRefusedError
from deepmed.kit.database import FiniteDouble, Json, UtcDateTime

Columns = Sequence[tuple[str, str]]
Row = list[Any]
BATCH_ROWS, BATCH_BYTES = 200, 1 << 20

TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "moment": UtcDateTime(),
    "bytes": sa.LargeBinary(),
    "truth": sa.Boolean(),
    "number": FiniteDouble(),
    "whole": sa.BigInteger(),
    "json": sa.Text(),
    "text": sa.Text(),
}
"""How each kind of value is read and written; JSON as its text, so that it stays as it is."""


def columns_of(table: Table) -> Columns:
    """The table's columns and what kind of value each holds."""
    return [(column.name, _kind(column.type)) for column in table.columns]


def _kind(kind: sa.types.TypeEngine[Any]) -> str:
    if isinstance(kind, sa.JSON):
        return "json"
    if isinstance(kind, UtcDateTime):
        return "moment"
    if isinstance(kind, sa.LargeBinary):
        return "bytes"
    if isinstance(kind, sa.Boolean):
        return "truth"
    if isinstance(kind, FiniteDouble | sa.Numeric):
        return "number"
    return "whole" if isinstance(kind, sa.Integer) else "text"


def rows(connection: Connection, name: str, columns: Columns, key: str = "id") -> Iterator[Row]:
    """All rows in the order of their keys, some at a time; every value as its line holds it."""
    table = _light(name, columns)
    chosen = [_read(connection, table, column, kind) for column, kind in columns]
    query = select(*chosen).order_by(table.c[key])
    options = {"stream_results": True, "yield_per": BATCH_ROWS}
    writers = [_WRITERS.get(kind, _same) for _, kind in columns]
    with connection.execute(query, execution_options=options) as found:
        for row in found:
            yield [
                None if value is None else write(value)
                for write, value in zip(writers, row, strict=True)
            ]


def to_line(row: Row) -> bytes:
    return json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_lines(lines: Iterable[bytes], columns: Columns) -> Iterator[Row]:
    """Raises BackupRefusedError where a line is none of this table's."""
    for line in lines:
        row = json.loads(line)
        if not isinstance(row, list) or len(row) != len(columns):
            raise BackupRefusedError("A table of the backup is damaged. Nothing was changed.")
        yield row


def write_rows(
    connection: Connection,
    name: str,
    columns: Columns,
    found: Iterable[Row],
    blank: frozenset[str] = frozenset(),
) -> int:
    """Insert rows, some at a time; columns of `blank` stay null. Returns how many."""
    table = _light(name, columns)
    values = {
        column: _written(connection, sa.bindparam(f"v_{column}", type_=TYPES[kind]), kind)
        for column, kind in columns
    }
    statement = table.insert().values(values)
    readers = [
        (f"v_{column}", _nothing if column in blank else _READERS.get(kind, _same))
        for column, kind in columns
    ]
    total = 0
    for batch in _batches(found):
        connection.execute(statement, [_bound(readers, row) for row in batch])
        total += len(batch)
    return total


def digest(connection: Connection, table: Table, *, only: Callable[[Row], bool]) -> tuple[int, str]:
    """How many rows there are for `only`, and a hash of what they hold, the same on every engine.

    JSON is compared by what it says, because some engines write its text anew.
    """
    columns = columns_of(table)
    texts = [place for place, (_, kind) in enumerate(columns) if kind == "json"]
    total, told = 0, sha256()
    for row in filter(only, rows(connection, table.name, columns, key_of(table))):
        for place in texts:
            if row[place] is not None:
                row[place] = json.dumps(json.loads(row[place]), sort_keys=True)
        total += 1
        told.update(to_line(row))
    return total, told.hexdigest()


def key_of(table: Table) -> str:
    """The name of the table's key: every table has one column for it."""
    (column,) = table.primary_key.columns
    return str(column.name)


def _light(name: str, columns: Columns) -> sa.TableClause:
    return sa.table(name, *(sa.column(column, TYPES[kind]) for column, kind in columns))


def _read(
    connection: Connection, table: sa.TableClause, column: str, kind: str
) -> ColumnElement[Any]:
    found = table.c[column]
    if kind == "json" and connection.dialect.name == "postgresql":
        return sa.cast(found, sa.Text).label(column)
    return found


def _written(connection: Connection, value: sa.BindParameter[Any], kind: str) -> ColumnElement[Any]:
    if kind == "json" and connection.dialect.name == "postgresql":
        return sa.cast(value, Json)
    return value


def _bound(readers: Iterable[tuple[str, Callable[[Any], Any]]], row: Row) -> Mapping[str, Any]:
    return {
        name: None if value is None else read(value)
        for (name, read), value in zip(readers, row, strict=True)
    }


def _batches(found: Iterable[Row]) -> Iterator[list[Row]]:
    """At most so many rows, and about so many characters, at a time."""
    batch: list[Row] = []
    size = 0
    for row in found:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _same(value: Any) -> Any:
    return value


def _nothing(_value: Any) -> None:
    return None


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _moment(value: datetime) -> str:
    return value.isoformat()


_WRITERS: dict[str, Callable[[Any], Any]] = {"moment": _moment, "bytes": _encoded}
_READERS: dict[str, Callable[[Any], Any]] = {
    "moment": datetime.fromisoformat,
    "bytes": base64.b64decode,
}
