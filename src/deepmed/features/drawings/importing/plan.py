"""What an import will store, decided before anything is stored (D-2)."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deepmed.features.drawings.importing.matching import (
    PICTURE_ENDINGS,
    Matches,
    base_name,
    match_rows,
)
from deepmed.features.drawings.importing.sources import Source, SourceFile
from deepmed.features.drawings.metadata import FIELDS, DrawingMetadata, check_metadata
from deepmed.features.drawings.metadata_files import (
    MetadataRow,
    MetadataTable,
    read_metadata_file,
)
from deepmed.features.drawings.name_pattern import NamePattern, compile_pattern
from deepmed.kit.errors import ValidationError
from deepmed.kit.picture_formats import readable_in_words

_TABLE_ENDINGS = (".csv", ".tsv", ".json")
_TABLE_NAMES = tuple("metadata" + ending for ending in _TABLE_ENDINGS)
_MOST_IN_MESSAGE = 10


class BatchRefusedError(ValidationError):
    """Some pictures have no usable age or metadata, so nothing of the batch was stored.

    `details["problems"]` lists all of them: name, row, column and reason.
    """

    code = "batch_refused"
    status = 422


@dataclass(frozen=True)
class Rejection:
    """A file or a row that was not stored, and why."""

    name: str
    reason: str
    row: str | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.row, self.column) if part)
        return f"{self.name} ({place}): {self.reason}" if place else f"{self.name}: {self.reason}"


@dataclass(frozen=True)
class PlannedDrawing:
    """A file to be read; without metadata it is no picture, and reading it tells the reason."""

    file: SourceFile
    metadata: DrawingMetadata | None
    row: str | None = None


@dataclass
class ImportPlan:
    drawings: list[PlannedDrawing] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    unknown_files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_import(
    source: Source,
    *,
    name_pattern: str | None = None,
    metadata: Path | str | None = None,
    defaults: Mapping[str, object] | None = None,
) -> ImportPlan:
    """Give each picture its metadata: the table's row first, then its name, then the defaults.

    Args:
        source: an opened file, folder or archive.
        name_pattern: see `compile_pattern`.
        metadata: a CSV or JSON, on disk or in the source; without it the source's own
            `metadata.csv` or `metadata.json`, else its only table where no pattern is given.
        defaults: fields for every drawing; an age only where the source is a single file.

    Raises:
        BatchRefusedError: a picture without an age, or with metadata that cannot be used.
        ValidationError: no picture at all, a bad pattern, table or default.
    """
    pattern = compile_pattern(name_pattern) if name_pattern else None
    common = _checked_defaults(defaults or {}, source)
    table_file, table = _table_of(source, metadata, with_pattern=pattern is not None)
    files = [file for file in source.files if file.name != table_file]
    matches = match_rows(table, files) if table else Matches()
    planner = _Planner(pattern, common, matches, has_table=table is not None)
    for file in files:
        planner.add(file)
    return planner.finished(source, table)


def refuse_pictureless(plan: ImportPlan) -> None:
    """Raises ValidationError where nothing of a plan is a picture, with the first reasons."""
    if any(drawing.metadata for drawing in plan.drawings):
        return
    kinds = readable_in_words("or")
    reasons = [f"{drawing.file.name}: it is no {kinds}" for drawing in plan.drawings]
    told = [*reasons, *map(str, plan.rejected)][:_MOST_IN_MESSAGE]
    raise ValidationError(f"None of the files is a picture; nothing was stored. {'; '.join(told)}.")


class _Planner:
    def __init__(
        self,
        pattern: NamePattern | None,
        defaults: Mapping[str, object],
        matches: Matches,
        *,
        has_table: bool,
    ) -> None:
        self._pattern = pattern
        self._defaults = defaults
        self._matches = matches
        self._has_table = has_table
        self._plan = ImportPlan()
        self._problems: list[Rejection] = []

    def add(self, file: SourceFile) -> None:
        rows = self._matches.rows.get(file.name, [])
        if file.problem is not None:
            self._plan.rejected.append(Rejection(file.name, file.problem))
        elif file.is_picture:
            self._add_picture(file, rows)
        elif rows or file.name.lower().endswith(PICTURE_ENDINGS):
            row = rows[0].place if rows else None
            self._plan.drawings.append(PlannedDrawing(file, None, row))
        else:
            self._plan.unknown_files.append(file.name)

    def finished(self, source: Source, table: MetadataTable | None) -> ImportPlan:
        self._problems += [
            Rejection(row.filename, f"the name fits several files: {', '.join(names)}", row.place)
            for row, names in self._matches.ambiguous
        ]
        pictures = sum(file.is_picture for file in source.files)
        if self._problems:
            raise _refusal(self._problems, pictures)
        self._plan.rejected += map(_without_file, self._matches.without_file)
        if not self._plan.drawings and not self._plan.rejected:
            raise ValidationError(f"There is no picture in {source.name}; nothing was stored.")
        if table and table.ignored_columns:
            columns = ", ".join(table.ignored_columns)
            self._plan.notes.append(f"columns that are not known were ignored: {columns}")
        if table and not table.encoding.startswith("utf-8"):
            self._plan.notes.append(f"the metadata file was read as {table.encoding}")
        return self._plan

    def _add_picture(self, file: SourceFile, rows: list[MetadataRow]) -> None:
        problems = [
            Rejection(file.name, problem.reason, row.place, problem.column or None)
            for row in rows
            for problem in row.problems
        ] or list(self._doubled(file, rows))
        named = self._pattern.match(file.name) if self._pattern else None
        row = rows[0] if rows else None
        values = {**self._defaults, **(named or {}), **(_filled(row) if row else {})}
        if "age_years" not in values:
            problems.append(self._ageless(file, row))
        elif not problems:
            problems += self._checked(file, row, values)
        self._problems += problems

    def _checked(
        self, file: SourceFile, row: MetadataRow | None, values: Mapping[str, object]
    ) -> list[Rejection]:
        place = row.place if row else None
        found = check_metadata(values)
        if isinstance(found, DrawingMetadata):
            self._plan.drawings.append(PlannedDrawing(file, found, place))
            return []
        return [Rejection(file.name, each.reason, place, each.column) for each in found]

    def _ageless(self, file: SourceFile, row: MetadataRow | None) -> Rejection:
        if row is not None:
            return Rejection(file.name, "the age is missing", row.place, "age_years")
        reasons = [
            *(["no row of the metadata names it"] if self._has_table else []),
            *(["its name does not give an age by the pattern"] if self._pattern else []),
        ]
        return Rejection(file.name, " and ".join(reasons) or "it comes without an age")

    def _doubled(self, file: SourceFile, rows: list[MetadataRow]) -> Iterator[Rejection]:
        if len(rows) < 2:
            return
        places = " and ".join(row.place for row in rows)
        if all(_filled(row) == _filled(rows[0]) for row in rows):
            self._plan.notes.append(f"{file.name} is named twice with the same values ({places})")
        else:
            yield Rejection(file.name, "it is named twice with different values", places)


def _filled(row: MetadataRow) -> dict[str, object]:
    """The fields of a row that are not blank."""
    return {
        name: value.strip() if isinstance(value, str) else value
        for name, value in row.values.items()
        if value is not None and not (isinstance(value, str) and not value.strip())
    }


def _without_file(row: MetadataRow) -> Rejection:
    if not row.filename:
        reasons = "; ".join(problem.reason for problem in row.problems)
        return Rejection("(no name)", reasons, row.place, "filename")
    return Rejection(row.filename, "there is no such file", row.place, "filename")


def _refusal(problems: list[Rejection], pictures: int) -> BatchRefusedError:
    names = {problem.name for problem in problems}
    told = "; ".join(map(str, problems[:_MOST_IN_MESSAGE]))
    more = len(problems) - _MOST_IN_MESSAGE
    return BatchRefusedError(
        f"{len(names)} of {pictures} pictures have no usable age or metadata, so nothing was "
        f"stored: {told}{f'; and {more} more' if more > 0 else ''}. Give each file an age in the "
        "metadata or in its name, then try again.",
        problems=[asdict(problem) for problem in problems],
    )


def _checked_defaults(defaults: Mapping[str, object], source: Source) -> Mapping[str, object]:
    unknown = sorted(set(defaults) - set(FIELDS))
    if unknown:
        raise ValidationError(f"There is no field {', '.join(unknown)}; nothing was stored.")
    given = {name: value for name, value in defaults.items() if value is not None}
    if "age_years" in given and source.kind != "file":
        raise BatchRefusedError(
            "One age for a whole batch is not accepted; nothing was stored. Give each file its "
            "own age in the metadata or in its name.",
            problems=[],
        )
    return given


def _table_of(
    source: Source, metadata: Path | str | None, *, with_pattern: bool
) -> tuple[str | None, MetadataTable | None]:
    """The name of the table within the source, if it lies there, and its content."""
    if metadata is not None and Path(metadata).is_file():
        path = Path(metadata)
        inside = [file.name for file in source.files if file.name == path.name]
        return next(iter(inside), None), read_metadata_file(_content(path), path.name)
    if metadata is not None:
        file = _named_table(source, str(metadata))
    else:
        found = _own_table(source, with_pattern=with_pattern)
        if found is None:
            return None, None
        file = found
    return file.name, read_metadata_file(source.read(file), file.name)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValidationError(
            f"The metadata file {path.name} cannot be read: {error.strerror}; nothing was stored."
        ) from error


def _named_table(source: Source, name: str) -> SourceFile:
    found = [file for file in source.files if name in {file.name, base_name(file.name)}]
    if len(found) != 1 or found[0].problem:
        raise ValidationError(f"There is no metadata file {name}; nothing was stored.")
    return found[0]


def _own_table(source: Source, *, with_pattern: bool) -> SourceFile | None:
    tables = [
        file
        for file in source.files
        if not file.problem and file.name.lower().endswith(_TABLE_ENDINGS)
    ]
    named = [file for file in tables if base_name(file.name).lower() in _TABLE_NAMES]
    # Beside a pattern a table of any other name is not meant: the names hold the metadata.
    chosen = named or ([] if with_pattern else tables)
    if len(chosen) > 1:
        names = ", ".join(file.name for file in chosen)
        raise ValidationError(f"Several files may hold the metadata ({names}); say which one.")
    return chosen[0] if chosen else None
