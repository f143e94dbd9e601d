from collections.abc import Iterable, Iterator
from typing import TypeVar

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
