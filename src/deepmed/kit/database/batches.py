from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import ColumnElement

Item = TypeVar("Item")

IN_LIST = 500
"""Values in one IN (…): every engine takes so many."""


def in_batches(items: Iterable[Item], size: int = IN_LIST) -> Iterator[list[Item]]:
    """Slices of at most `size` items, in order.

    >>> list(in_batches([1, 2, 3], size=2))
    [[1, 2], [3]]
    """
    whole = list(items)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def no_index(number: Any) -> ColumnElement[int]:
    """A column's number, as a condition that rows are not looked up by.

    SQLite takes an index of owners before a list of ids, not knowing that there is one owner: it
    would go through all rows instead of these few.
    """
    found: ColumnElement[int] = number + 0
    return found
