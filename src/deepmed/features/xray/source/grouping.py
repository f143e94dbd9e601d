"""What belongs together because something joins it, directly or through others."""

from collections.abc import Iterator


class Groups:
    """Names that were joined are one group, which is called after its first name in the alphabet.

    >>> groups = Groups()
    >>> groups.join("b", "c")
    >>> groups.join("c", "a")
    >>> groups.of("b"), groups.of("d")
    ('a', 'd')
    """

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, first: str, *others: str) -> None:
        for other in others:
            low, high = sorted((self.of(first), self.of(other)))
            self._above[high] = low
        self._above.setdefault(first, first)

    def of(self, name: str) -> str:
        """The group's name; a name that was never joined is its own."""
        path = list(self._way_up(name))
        for each in path:
            self._above[each] = path[-1]
        return path[-1]

    def _way_up(self, name: str) -> Iterator[str]:
        yield name
        while (above := self._above.get(name, name)) != name:
            yield above
            name = above
