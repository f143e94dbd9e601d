"""Tables that leave the program: no cell is a formula in the program that opens them (S-27)."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import TextIO

from deepmed.kit.errors import StorageError
from deepmed.kit.ids import new_uid

# Spreadsheets also take the full-width forms for the signs themselves.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the full-width signs are meant

Cell = object
"""Text, a number, a truth value, a moment or None."""


def neutralise(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula.

    >>> neutralise("=1+1"), neutralise(" =1+1"), neutralise("crayon")
    ("'=1+1", "' =1+1", 'crayon')
    """
    if text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS):
        return "'" + text
    return text


def write_csv(
    rows: Iterable[Mapping[str, Cell]], path: Path, columns: Sequence[str] | None = None
) -> int:
    """Write a table in UTF-8; numbers stay numbers, None and NaN are empty cells.

    The columns stand in the order of `columns`, without it in that of the first row. A row may
    lack some. Returns the number of rows.

    Raises:
        StorageError: the file cannot be written; a file that was there before is kept.
        ValueError: a row has a column that the table has not.
    """
    listed = list(rows)
    unfinished = path.with_name(f".{path.name}.{new_uid()[:8]}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            _write(file, listed, columns)
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(
            f"The table {path.name} could not be written: {error.strerror}. "
            "Check the folder's free space and rights."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return len(listed)


def csv_text(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str] | None = None) -> str:
    r"""The same table as text.

    >>> csv_text([{"name": "=1+1", "age": 6.5}])
    "name,age\r\n'=1+1,6.5\r\n"
    """
    written = io.StringIO()
    _write(written, list(rows), columns)
    return written.getvalue()


def _write(file: TextIO, rows: Sequence[Mapping[str, Cell]], columns: Sequence[str] | None) -> None:
    names = list(columns if columns is not None else (rows[0] if rows else []))
    writer = csv.DictWriter(file, [*map(neutralise, names)])
    writer.writeheader()
    writer.writerows(_safe(row) for row in rows)


def _safe(row: Mapping[str, Cell]) -> dict[str, Cell]:
    return {neutralise(name): safe_cell(value) for name, value in row.items()}


def safe_cell(value: Cell) -> Cell:
    """The value as it may stand in a table that others open."""
    if isinstance(value, (bool, Number)):
        return value if value == value else ""  # noqa: PLR0124 - only NaN differs from itself
    if value is None:
        return ""
    return neutralise(str(value))
