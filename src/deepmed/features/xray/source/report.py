"""What became of every file and row of a source (X-1, X-3)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from deepmed.features.xray.errors import Rejection, rejection_from
from deepmed.kit.exports import csv_text


@dataclass(frozen=True)
class Flag:
    """Something that somebody should know of images which are used all the same."""

    note: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class IntakeReport:
    """`found` are files that are images or claim to be; `taken` of them are used.

    Of the others `rejected` have a label but cannot be read, and `unlabelled` have none.
    `without_file` are rows of the table whose image is not there.
    """

    found: int = 0
    taken: int = 0
    rejected: tuple[Rejection, ...] = ()
    without_file: tuple[Rejection, ...] = ()
    unlabelled: tuple[str, ...] = ()
    flagged: tuple[Flag, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def without_names(self, names: Mapping[str, str]) -> "IntakeReport":
        """The same, but for names of files that are not used, which may be those of patients.

        Args:
            names: what used images are called, where that is not what their file is.
        """
        flagged = (
            replace(each, names=tuple(names.get(name, name) for name in each.names))
            for each in self.flagged
        )
        unlabelled = range(len(self.rejected) + 1, len(self.rejected) + len(self.unlabelled) + 1)
        return replace(
            self,
            rejected=tuple(
                replace(each, name=f"file {number}") for number, each in enumerate(self.rejected, 1)
            ),
            without_file=tuple(replace(each, name="a row") for each in self.without_file),
            unlabelled=tuple(f"file {number}" for number in unlabelled),
            flagged=tuple(flagged),
        )

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "IntakeReport":
        return cls(
            found=found["found"],
            taken=found["taken"],
            rejected=tuple(map(rejection_from, found["rejected"])),
            without_file=tuple(map(rejection_from, found["without_file"])),
            unlabelled=tuple(found["unlabelled"]),
            flagged=tuple(Flag(each["note"], tuple(each["names"])) for each in found["flagged"]),
            notes=tuple(found["notes"]),
        )

    def as_csv(self) -> str:
        """The rejections as a table; no cell of it is a formula."""
        rows = [
            {"file": each.name, "row": each.row, "column": each.column, "reason": each.reason}
            for each in (*self.rejected, *self.without_file)
        ]
        return csv_text(rows, ("file", "row", "column", "reason"))


def flags_of(notes: Iterable[tuple[str, Iterable[str]]]) -> tuple[Flag, ...]:
    """Notes by image turned round: each note with the images that have it."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, of_image in notes:
        for note in of_image:
            names[note].append(name)
    return tuple(Flag(note, tuple(sorted(names[note]))) for note in sorted(names))
