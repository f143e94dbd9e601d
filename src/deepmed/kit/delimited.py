"""Tables as text: of whichever encoding and delimiter people's programs wrote them in."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from deepmed.kit.errors import ValidationError
from deepmed.kit.sizes import MIB

MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 16 * MIB, 500_000, 200
_HEADER_CHARACTERS = 1 << 16
_DELIMITERS = (",", ";", "\t")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_records(
    data: bytes,
    is_column: Callable[[str], bool],
    on_header: Callable[[int, list[str]], None] | None = None,
) -> tuple[list[list[str]], str]:
    r"""The cells of a CSV, record by record, and its encoding; a cell may hold line breaks.

    Args:
        data: UTF-8 with or without a mark, UTF-16, UTF-32 or Windows-1252.
        is_column: whether a name is one of the table's columns, which tells its delimiter:
            comma, semicolon or tabulator.
        on_header: told the first record that is not blank, and its number from 1, before any other
            is read; what it raises ends the work.

    Raises:
        ValidationError: it is no text or no table, or larger than a table may be; the message is a
            clause about "it".

    >>> read_records(b"a;b\n=1+1;'2", {"a", "b"}.__contains__)
    ([['a', 'b'], ['=1+1', "'2"]], 'utf-8')
    """
    if len(data) > MOST_BYTES:
        raise ValidationError(
            f"it has {len(data) / MIB:.1f} MiB; at most {MOST_BYTES / MIB:.0f} MiB are allowed"
        )
    text, encoding = decode(data)
    return _records(text, is_column, on_header), encoding


def decode(data: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: by its mark, else UTF-8, UTF-16 or Windows-1252."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    candidates = [marked] if marked else [*_without_mark(data), "utf-8", "cp1252"]
    for encoding in candidates:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise ValidationError(
        "its encoding is not known; save it as UTF-8 (in Excel: CSV UTF-8)", tried=candidates
    )


def _without_mark(data: bytes) -> list[str]:
    """UTF-16 that lost its mark shows a zero in every second byte of plain letters."""
    start = data[:200]
    if start[1::2].count(0) > len(start) // 4:
        return ["utf-16-le"]
    return ["utf-16-be"] if start[::2].count(0) > len(start) // 4 else []


def _records(
    text: str,
    is_column: Callable[[str], bool],
    on_header: Callable[[int, list[str]], None] | None,
) -> list[list[str]]:
    if "\0" in text:
        raise ValidationError("it holds NUL characters, so it is no text")
    first, _, rest = text.partition("\n")
    hint = first.strip().lower()
    if hint.startswith("sep=") and len(hint) == 5:  # Excel's own line, which it does not show
        text, delimiter = rest, hint[4]
    else:
        delimiter = _delimiter(text, is_column)
    try:
        records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return list(_bounded(records, on_header))
    except csv.Error as error:
        raise ValidationError(f"it is not a table: {error}") from error


def _bounded(
    records: Iterable[list[str]], on_header: Callable[[int, list[str]], None] | None
) -> Iterator[list[str]]:
    header = None
    for number, cells in enumerate(records, 1):
        if number > MOST_ROWS:
            raise ValidationError(f"it has more than {MOST_ROWS} rows")
        if len(cells) > MOST_COLUMNS:
            raise ValidationError(
                f"its row {number} has {len(cells)} columns; at most {MOST_COLUMNS} are allowed"
            )
        if header is None and any(map(str.strip, cells)):
            header = cells
            if on_header is not None:
                on_header(number, cells)
        yield cells


def _delimiter(text: str, is_column: Callable[[str], bool]) -> str:
    """The one that finds most of the known columns in the first line that is not blank."""
    start = text[:_HEADER_CHARACTERS]
    header = next((line for line in start.splitlines() if line.strip()), "")

    def known(delimiter: str) -> int:
        return sum(is_column(name.strip('"')) for name in header.split(delimiter))

    return max(_DELIMITERS, key=known)
