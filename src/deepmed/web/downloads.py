"""The rows behind a chart as a file that lies in the page itself."""

import csv
import io
import json
from base64 import b64encode
from collections.abc import Sequence

from deepmed.kit.exports import safe_cell

Row = Sequence[object]


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table in which no cell is a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def as_json(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A list with an object a row."""
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=1, default=str)


def csv_link(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """An address for a link with `download`."""
    return _address("text/csv", as_csv(columns, rows))


def json_link(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """An address for a link with `download`."""
    return _address("application/json", as_json(columns, rows))


def picture_address(png: bytes) -> str:
    """An address for a picture that lies in the page."""
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _address(kind: str, text: str) -> str:
    return f"data:{kind};charset=utf-8;base64,{b64encode(text.encode()).decode()}"
