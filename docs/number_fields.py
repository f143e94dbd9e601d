"""Read docs/numbers.md: which numbers of our answers are defined there, and by which tests.

A row defines a field by its name, or by the end of its path in a JSON answer, without list
indices: `n_children`, `ranking.n_children`, `by_role.*.flagged` (a star stands for any one key,
whatever signs the key itself holds: `3.0-6.0`, `model.json`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "numbers.md"
COLUMNS = 5
DOT_IN_KEY = "·"
IDENTIFIERS = re.compile(r"(^|[._])ids?$")
"""What names an object measures nothing."""


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

    def covers(self, path: str) -> bool:
        """Whether the row defines the field at this path, `ranking.n_children` for example."""
        mine, theirs = self.name.split("."), path.split(".")
        tail = theirs[-len(mine) :]
        return len(tail) == len(mine) and all(
            pattern in {"*", key} for pattern, key in zip(mine, tail, strict=True)
        )


def read_page(path: Path = PAGE) -> dict[str, NumberField]:
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
    fitting = [field for field in fields.values() if field.covers(path)]
    return max(fitting, key=lambda field: field.name.count("."), default=None)


def undefined(answers: Iterable[Any], fields: Mapping[str, NumberField]) -> set[str]:
    """The paths of numbers in JSON answers that no row of the page defines."""
    paths = {path for answer in answers for path in numeric_paths(answer)}
    return {path for path in paths if definition_of(path, fields) is None}


def below(path: str, key: object) -> str:
    """The path of what stands under a key; the dots of the key itself part nothing."""
    step = str(key).replace(".", DOT_IN_KEY)
    return f"{path}.{step}" if path else step


def numeric_paths(answer: Any, path: str = "") -> Iterator[str]:
    """Where numbers stand in a JSON answer; identifiers and truth values are none."""
    if isinstance(answer, Mapping):
        for key, value in answer.items():
            yield from numeric_paths(value, below(path, key))
    elif isinstance(answer, list | tuple):
        for value in answer:
            yield from numeric_paths(value, path)
    elif _measures(answer) and not IDENTIFIERS.search(path):
        yield path


def _measures(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
