"""Tables of metadata beside the pictures: CSV and JSON, as spreadsheets and people write them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deepmed.features.drawings.metadata import FIELDS, FieldProblem
from deepmed.kit.delimited import decode, read_records
from deepmed.kit.errors import ValidationError

FILENAME = "filename"
_SYNONYMS = {
    "file": FILENAME,
    "file_name": FILENAME,
    "name": FILENAME,
    "image": FILENAME,
    "age": "age_years",
    "label": "expert_label",
    "tool": "drawing_tool",
    "child": "child_id",
    "subject_category": "subject",
}
_MONTHS = "age_months"


class MetadataFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True)
class MetadataRow:
    """A line of the table: its place as a person counts it, the file it speaks of, its values."""

    place: str
    filename: str
    values: Mapping[str, object]
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True)
class MetadataTable:
    rows: tuple[MetadataRow, ...]
    ignored_columns: tuple[str, ...] = ()
    encoding: str = "utf-8"


def format_of(filename: str) -> MetadataFormat:
    """Raises ValidationError where the name ends neither in .csv nor in .json."""
    ending = filename.lower().rpartition(".")[2]
    if ending in {"tsv", "txt"}:
        return MetadataFormat.CSV
    try:
        return MetadataFormat(ending)
    except ValueError as error:
        raise ValidationError(
            f"The metadata file {filename} is neither CSV nor JSON; nothing was stored."
        ) from error


def read_metadata_file(data: bytes, filename: str) -> MetadataTable:
    """Read a table of metadata.

    A CSV may be UTF-8 with or without a mark, UTF-16 or Windows-1252, separated by comma,
    semicolon or tabulator; its columns are `filename`, `age_years` (or `age`, `age_months`) and
    optionally `subject`, `expert_label`, `drawing_tool`, `prompt`, `child_id`; other columns are
    ignored. A JSON is a list of objects with `filename`, or an object keyed by file name.

    Raises:
        ValidationError: unreadable, or a needed column is missing or there twice.
    """
    read = _read_json if format_of(filename) is MetadataFormat.JSON else _read_csv
    try:
        return read(data)
    except ValidationError as error:
        raise ValidationError(
            f"The metadata file {filename} cannot be used: {error.message}. Nothing was stored."
        ) from error


def _read_csv(data: bytes) -> MetadataTable:
    records, encoding = read_records(data, lambda name: _canonical(name) is not None)
    lines = [(n, cells) for n, cells in enumerate(records, 1) if any(map(str.strip, cells))]
    if not lines:
        raise ValidationError("it is empty")
    header = lines[0][1]
    columns, ignored = _columns(header)
    rows = [_csv_row(number, cells, columns, len(header)) for number, cells in lines[1:]]
    return MetadataTable(tuple(rows), ignored, encoding)


def _canonical(header: str) -> str | None:
    name = "_".join(header.strip().lower().replace("-", " ").replace("_", " ").split())
    name = _SYNONYMS.get(name, name)
    return name if name in {FILENAME, _MONTHS, *FIELDS} else None


def _columns(header: list[str]) -> tuple[dict[int, str], tuple[str, ...]]:
    columns = {at: name for at, each in enumerate(header) if (name := _canonical(each))}
    ages = [name for name in columns.values() if name in {"age_years", _MONTHS}]
    names = list(columns.values())
    if FILENAME not in names or not ages:
        raise ValidationError(
            f"the columns 'filename' and 'age_years' are needed, there are {', '.join(header)!r}"
        )
    if len(set(names)) < len(names) or len(ages) > 1:
        raise ValidationError(f"a column is there twice: {', '.join(header)!r}")
    ignored = tuple(each.strip() for at, each in enumerate(header) if at not in columns)
    return columns, ignored


def _csv_row(number: int, cells: list[str], columns: Mapping[int, str], width: int) -> MetadataRow:
    values: dict[str, object] = {name: cells[at] for at, name in columns.items() if at < len(cells)}
    problems = []
    if any(cell.strip() for cell in cells[width:]):
        problems.append(FieldProblem("", f"the row has {len(cells)} cells, the header {width}"))
    return _row(f"row {number}", values, problems)


def _row(place: str, values: dict[str, Any], problems: list[FieldProblem]) -> MetadataRow:
    filename = values.pop(FILENAME, None)
    if _MONTHS in values:
        months = values.pop(_MONTHS)
        text = "" if months is None else str(months).strip()
        values["age_years"] = f"{text.removesuffix('.0')} months" if text else None
    if not isinstance(filename, str) or not filename.strip():
        problems = problems or [FieldProblem(FILENAME, "the file's name is missing")]
        filename = ""
    return MetadataRow(place, filename.strip().replace("\\", "/"), values, tuple(problems))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it is written, so that a name given twice is seen."""


def _read_json(data: bytes) -> MetadataTable:
    text, encoding = decode(data)
    try:
        found = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:  # also an integer of thousands of digits
        raise ValidationError(f"it is not valid JSON: {error}") from error
    ignored: set[str] = set()
    if isinstance(found, _Pairs):
        rows = [
            _json_row(f"entry {name!r}", [(FILENAME, name)], each, ignored) for name, each in found
        ]
    elif isinstance(found, list):
        rows = [_json_row(f"entry {n}", [], each, ignored) for n, each in enumerate(found, 1)]
    else:
        raise ValidationError("it must be a list of objects, or an object keyed by file name")
    return MetadataTable(tuple(rows), tuple(sorted(ignored)), encoding)


def _json_row(
    place: str, start: list[tuple[str, Any]], entry: object, ignored: set[str]
) -> MetadataRow:
    if not isinstance(entry, _Pairs):
        return _row(place, dict(start), [FieldProblem("", "the entry is not an object")])
    values: dict[str, Any] = {}
    problems = []
    for key, value in [*entry, *start]:
        name = _canonical(key)
        if name is None:
            ignored.add(key)
        elif name in values and not (start and name == FILENAME):
            problems.append(FieldProblem(name, "the field is there twice"))
        elif name is not None:
            values[name] = value
    if {"age_years", _MONTHS} <= set(values):
        problems.append(FieldProblem("age_years", "the age is there in years and in months"))
    return _row(place, values, problems)
