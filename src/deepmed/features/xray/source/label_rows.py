"""The table of labels, row by row, as it is written (X-1)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deepmed.features.xray.errors import Rejection, SourceRefusedError
from deepmed.features.xray.source.attributes import AGE, SEX, VIEW, known_attributes
from deepmed.kit.delimited import read_records
from deepmed.kit.errors import ValidationError

PART = "split"
_ATTRIBUTES = {
    "sex": SEX,
    "gender": SEX,
    "patientsex": SEX,
    "patientgender": SEX,
    "age": AGE,
    "patientage": AGE,
    "view": VIEW,
    "viewposition": VIEW,
    "position": VIEW,
    "projection": VIEW,
}
_BOX = (
    {"x", "y", "width", "height"},
    {"xmin", "ymin", "xmax", "ymax"},
    {"x1", "y1", "x2", "y2"},
)
_LABELS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}
_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class ColumnNames:
    """Names of the table's columns; capitals, blanks and underscores do not count.

    `filename` and `part` (training, validation or test, where a split is published) may be missing
    from the table; without a file's name the image of a row is called like its patient.
    """

    patient: str = "patientId"
    target: str = "Target"
    filename: str = "filename"
    part: str = PART


DEFAULT_COLUMNS = ColumnNames()


@dataclass(frozen=True)
class LabelRow:
    """A row of the table; `row` counts the header as 1, as spreadsheets do.

    `box` is None in a table without boxes and empty in a row that has none.
    """

    row: int
    patient: str
    filename: str
    label: int
    box: tuple[str, ...] | None = None
    part: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def image(self) -> str:
        """What its image is called."""
        return self.filename or self.patient


@dataclass(frozen=True)
class LabelTable:
    rows: tuple[LabelRow, ...]
    columns: ColumnNames
    encoding: str = "utf-8"


class MissingColumnError(SourceRefusedError):
    """The table lacks a column; no training was started."""

    code = "missing_column"


def read_labels(data: bytes, name: str, columns: ColumnNames = DEFAULT_COLUMNS) -> LabelTable:
    """Read a table of labels.

    Args:
        data: a CSV: UTF-8 with or without a mark, UTF-16 or Windows-1252; comma, semicolon or
            tabulator. Cells are text and never evaluated.
        name: the file's, for messages.
        columns: what its columns are called.

    Raises:
        MissingColumnError: the column of patients or of labels is not there.
        SourceRefusedError: unreadable, empty, or rows without patient or with another label than 0
            and 1; every such row is named.
    """
    wanted = {_folded(each) for each in (columns.patient, columns.target, columns.filename)}

    def check(number: int, header: Sequence[str]) -> None:
        _places(header, name, columns, number)

    try:
        records, encoding = read_records(data, lambda each: _folded(each) in wanted, check)
    except SourceRefusedError:  # of the header, which already says what is wrong
        raise
    except ValidationError as error:
        raise SourceRefusedError(
            f"The table {name} cannot be used: {error.message}. No training was started."
        ) from error
    lines = [
        (number, cells) for number, cells in enumerate(records, 1) if any(map(str.strip, cells))
    ]
    if len(lines) < 2:
        raise SourceRefusedError(f"The table {name} has no rows. No training was started.")
    header_row, header = lines[0]
    places = _places(header, name, columns, header_row)
    reader = _RowReader(places, columns, _box_places(header), width=len(header))
    rows = [row for number, cells in lines[1:] for row in reader.read(number, cells)]
    if reader.problems:
        raise SourceRefusedError.of(
            reader.problems, f"Mend these rows of {name} and start the training again."
        )
    return LabelTable(tuple(rows), columns, encoding)


class _RowReader:
    def __init__(
        self,
        places: Mapping[str, int],
        columns: ColumnNames,
        box: Sequence[int] | None,
        *,
        width: int,
    ) -> None:
        self.problems: list[Rejection] = []
        self._places = places
        self._columns = columns
        self._box = box
        self._width = width

    def read(self, number: int, cells: Sequence[str]) -> Iterator[LabelRow]:
        """The row, or nothing and a problem more."""
        patient = self._cell(cells, "patient")
        filename = self._cell(cells, "filename").replace("\\", "/")
        target = self._cell(cells, "target")
        label = _LABELS.get(target)
        found = list(self._problems(number, cells, patient, target))
        self.problems += found
        if found or label is None:
            return
        attributes = {name: self._cell(cells, name) for name in (SEX, AGE, VIEW)}
        yield LabelRow(
            number,
            patient,
            filename,
            label,
            None if self._box is None else self._box_of(cells),
            self._cell(cells, "part"),
            known_attributes(attributes),
        )

    def _problems(
        self, number: int, cells: Sequence[str], patient: str, target: str
    ) -> Iterator[Rejection]:
        name = _shown(patient) or "(no id)"
        if any(cell.strip() for cell in cells[self._width :]):
            yield Rejection(name, f"it has {len(cells)} cells, the header {self._width}", number)
        if not patient:
            yield Rejection(name, "the patient's id is missing", number, self._columns.patient)
        if not target:
            yield Rejection(name, "the label is missing", number, self._columns.target)
        elif target not in _LABELS:
            reason = f"the label is {_shown(target)!r}; only 0 and 1 are labels"
            yield Rejection(name, reason, number, self._columns.target)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        at = self._places.get(name)
        return "" if at is None or at >= len(cells) else cells[at].strip()

    def _box_of(self, cells: Sequence[str]) -> tuple[str, ...]:
        found = tuple(cells[at].strip() if at < len(cells) else "" for at in self._box or ())
        filled = [cell for cell in found if cell and cell.lower() != "nan"]
        return found if len(filled) == len(found) else ()


def _places(
    header: Sequence[str], name: str, columns: ColumnNames, header_row: int
) -> dict[str, int]:
    """Where each column that we know stands.

    A column of the very name wins over those that differ in capitals or blanks.
    """
    folded = [_folded(each) for each in header]
    exact = [each.strip() for each in header]
    places = {}
    for key in ("patient", "target", "filename", "part"):
        wanted = getattr(columns, key)
        found = [at for at, each in enumerate(exact) if each == wanted]
        found = found or [at for at, each in enumerate(folded) if each == _folded(wanted)]
        if len(found) > 1:
            raise SourceRefusedError.of(
                [Rejection(name, "the column is there twice", header_row, wanted)],
                "Leave one of them and start the training again.",
            )
        if found:
            places[key] = found[0]
        elif key in {"patient", "target"}:
            raise _missing(name, wanted, header, header_row)
    for at, each in enumerate(folded):
        if each in _ATTRIBUTES and at not in places.values():
            places.setdefault(_ATTRIBUTES[each], at)
    return places


def _missing(name: str, column: str, header: Sequence[str], header_row: int) -> MissingColumnError:
    there = ", ".join(repr(_shown(each.strip())) for each in header[:20])
    problem = Rejection(name, f"the column is missing; there are {there}", header_row, column)
    return MissingColumnError(
        f"No training was started: {problem}. Name the columns of patients and labels, or rename "
        "them in the table.",
        problems=[{"name": name, "reason": problem.reason, "row": header_row, "column": column}],
    )


def _box_places(header: Sequence[str]) -> list[int] | None:
    folded = [_folded(each) for each in header]
    for names in _BOX:
        if names <= set(folded):
            return [folded.index(each) for each in sorted(names)]
    return None


def _folded(name: str) -> str:
    return "".join(name.lower().replace("_", " ").replace("-", " ").split())


def _shown(text: str) -> str:
    """On one line and not too long, as a cell may hold anything."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST_SHOWN else one_line[:_LONGEST_SHOWN] + "..."
