"""From rows to images: several rows on one image become one label, or are refused (X-2)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deepmed.features.xray.errors import Rejection, SourceRefusedError
from deepmed.features.xray.source.label_rows import ColumnNames, LabelRow, LabelTable
from deepmed.features.xray.source.patients import told_patient

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_PARTS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}


@dataclass(frozen=True)
class LabelledImage:
    """An image as the table or the folders know it; `name` is to be found among the files."""

    name: str
    patient: str
    label: int
    rows: tuple[int, ...] = ()
    part: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    by_patient: bool = False
    """The name is the patient's, so all files of a folder of that name are meant as well."""


def merge_rows(table: LabelTable) -> list[LabelledImage]:
    """One entry an image, in the table's order.

    Rows of an image that mark different places in it (boxes) are findings of their own: one
    positive makes the image positive. Rows that speak of the image as a whole, or of the same box,
    must agree.

    Raises:
        SourceRefusedError: rows of one image contradict each other in label, patient or part; all
            of them are named.
    """
    groups: dict[str, list[LabelRow]] = defaultdict(list)
    for row in table.rows:
        groups[row.image].append(row)
    problems = [each for rows in groups.values() for each in _conflicts(rows, table.columns)]
    if problems:
        raise SourceRefusedError.of(
            problems, "Give each image one label and one patient, then start the training again."
        )
    return [_merged(rows) for rows in groups.values()]


def part_of(name: str) -> str | None:
    """The part of a split that a word stands for.

    >>> part_of("Val"), part_of("pneumonia")
    ('validation', None)
    """
    return _PARTS.get(name.strip().lower())


def _merged(rows: Sequence[LabelRow]) -> LabelledImage:
    attributes: dict[str, str] = {}
    for row in rows:
        attributes = {**row.attributes, **attributes}
    first = rows[0]
    return LabelledImage(
        name=first.image,
        patient=told_patient(first.patient),
        label=max(row.label for row in rows),
        rows=tuple(row.row for row in rows),
        part=part_of(first.part),
        attributes=attributes,
        by_patient=not first.filename,
    )


def _conflicts(rows: Sequence[LabelRow], columns: ColumnNames) -> Iterator[Rejection]:
    name = rows[0].image
    patients = {row.patient for row in rows}
    if len(patients) > 1:
        yield _conflict(name, rows, columns.patient, f"belongs to {len(patients)} patients")
    if len({row.label for row in rows}) > 1 and not _boxes_apart(rows):
        yield _conflict(name, rows, columns.target, "has conflicting labels")
    if len({row.part for row in rows}) > 1:
        yield _conflict(name, rows, columns.part, "stands in several parts of the split")
    if rows[0].part and part_of(rows[0].part) is None:
        reason = f"its part {rows[0].part[:40]!r} is none of training, validation and test"
        yield Rejection(name, reason, rows[0].row, columns.part)


def _boxes_apart(rows: Sequence[LabelRow]) -> bool:
    """Whether the rows that differ in their label differ in their box as well."""
    if any(not row.box for row in rows):
        return False
    labels: dict[tuple[str, ...] | None, set[int]] = defaultdict(set)
    for row in rows:
        labels[row.box].add(row.label)
    return all(len(each) == 1 for each in labels.values())


def _conflict(name: str, rows: Iterable[LabelRow], column: str, what: str) -> Rejection:
    listed = list(rows)
    places = ", ".join(str(row.row) for row in listed[:6])
    return Rejection(name, f"the image {what} (rows {places})", listed[0].row, column)
