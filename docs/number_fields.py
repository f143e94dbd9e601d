"""Read docs/numbers.md: which numbers of our answers are defined there, and by which tests.

A row defines a field by its name, or by the end of its path in a JSON answer, without list
indices: `n_children`, `ranking.n_children`, `by_role.*.flagged` (a star stands for any one key,
whatever signs the key itself holds: `3.0-6.0`, `model.json`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deepmed.app.description import numbers
from deepmed.app.description.numbers import NumberField, NumbersPageError, definition_of

__all__ = ["NumberField", "NumbersPageError", "definition_of"]

PAGE = Path(__file__).parent / "numbers.md"
DOT_IN_KEY = "·"
IDENTIFIERS = re.compile(r"(^|[._])ids?$")
"""What names an object measures nothing."""


def read_page(path: Path = PAGE) -> dict[str, NumberField]:
    """All rows of the page's tables by field name.

    Raises:
        NumbersPageError: a row has not five cells, or two rows define one field.
    """
    return numbers.read_page(path)


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
