"""Definitions of numbers, read from docs/numbers.md: one text for people and for programs.

A row defines a field by its name, or by the end of its path in a JSON answer, without list
indices: `n_children`, `ranking.n_children`, `by_role.*.flagged` (a star stands for any one key).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

COLUMNS = 5


class NumbersPageError(ValueError):
    """A row of docs/numbers.md cannot be read."""


@dataclass(frozen=True)
class NumberField:
    """A row of the page; `tests` are written `path::name`."""

    name: str
    where: str
    definition: str
    null_when: str
    tests: tuple[str, ...]

    @cached_property
    def last(self) -> str:
        """What a path must end in, unless it is a star."""
        return self.name.rpartition(".")[2]

    def covers(self, path: str) -> bool:
        """Whether the row defines the field at this path, `ranking.n_children` for example."""
        mine, theirs = self.name.split("."), path.split(".")
        tail = theirs[-len(mine) :]
        return len(tail) == len(mine) and all(
            pattern in {"*", key} for pattern, key in zip(mine, tail, strict=True)
        )


def read_page(path: Path) -> dict[str, NumberField]:
    """All rows of the page's tables by field name.

    Raises:
        NumbersPageError: a row has not five cells, or two rows define one field.
    """
    fields: dict[str, NumberField] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for field in _row(line, number):
            if field.name in fields:
                raise NumbersPageError(f"line {number}: {field.name} is defined twice")
            fields[field.name] = field
    return fields


def definition_of(path: str, fields: Mapping[str, NumberField]) -> NumberField | None:
    """The row that defines the number at a path: of several that fit, the longest name."""
    last = path.rpartition(".")[2]
    # Most rows end otherwise; to split every name for every number took seconds.
    ending = (field for field in fields.values() if field.last in {last, "*"})
    fitting = [field for field in ending if field.covers(path)]
    return max(fitting, key=lambda field: field.name.count("."), default=None)


def last_word(address: str) -> str:
    """Of an address, without an ending: `train` of `/models/train`; an object's place is none."""
    words = [word for word in address.split("/") if word and not word.startswith("{")]
    return words[-1].partition(".")[0] if words else ""


def _row(line: str, number: int) -> Iterator[NumberField]:
    if not line.startswith("| `"):
        return
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if len(cells) != COLUMNS:
        raise NumbersPageError(f"line {number}: {len(cells)} cells instead of {COLUMNS}")
    names, where, definition, null_when, tests = cells
    for name in re.findall(r"`([^`]+)`", names):
        proofs = tuple(re.findall(r"`([^`]+)`", tests))
        yield NumberField(name, where, definition, null_when, proofs)
