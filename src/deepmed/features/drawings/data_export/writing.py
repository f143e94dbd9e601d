"""An export's two forms: one JSON file, or a ZIP with a table for each kind of row."""

import base64
import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from deepmed.kit.exports import neutralise, safe_cell

Rows = Iterable[Mapping[str, Any]]
Read = Callable[[str], Rows]
Columns = Mapping[str, list[str]]


def write_json(path: Path, info: Mapping[str, Any], tables: Columns, read: Read) -> dict[str, int]:
    """One object with a list for each table; returns how many rows each has."""
    counts = {}
    with path.open("w", encoding="utf-8") as file:
        file.write('{"export_info": ' + json.dumps(info, default=plain))
        for name in tables:
            file.write(f",\n{json.dumps(name)}: [")
            counts[name] = _write_list(file, read(name))
            file.write("]")
        file.write("}\n")
    return counts


def write_tables(path: Path, tables: Columns, read: Read) -> dict[str, int]:
    """A CSV for each table that has rows, no cell of which is a formula."""
    counts = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, columns in tables.items():
            counts[name] = _write_table(packed, name, columns, read(name))
    return counts


def plain(value: Any) -> Any:
    """What JSON has no type for: moments as ISO 8601, bytes in base 64."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def _write_list(file: io.TextIOWrapper, rows: Rows) -> int:
    count = 0
    for row in rows:
        file.write(",\n" if count else "\n")
        file.write(json.dumps(dict(row), default=plain))
        count += 1
    return count


def _write_table(packed: zipfile.ZipFile, name: str, columns: list[str], rows: Rows) -> int:
    found = iter(rows)
    first = next(found, None)
    if first is None:
        return 0
    count = 1
    with packed.open(f"{name}.csv", "w", force_zip64=True) as target:
        text = io.TextIOWrapper(target, encoding="utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(map(neutralise, columns))
        writer.writerow([_cell(first[column]) for column in columns])
        for row in found:
            writer.writerow([_cell(row[column]) for column in columns])
            count += 1
        text.flush()
        text.detach()
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return safe_cell(json.dumps(value))
    return safe_cell(plain(value) if isinstance(value, datetime | bytes) else value)
