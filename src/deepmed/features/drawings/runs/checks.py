"""One stored figure beside the same figure counted again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deepmed.learning.evaluation.oracle_intervals import FIGURE

TOLERANCE = 1e-9

Value = float | str | bool | None


@dataclass(frozen=True)
class Check:
    """One figure, as it is stored and as it comes out again.

    Attributes:
        figure: its place in the run's record, or in words.
        stored: as it is stored; null where it is told not to be had, or missing.
        recomputed: as it comes out again; null where it cannot be had.
    """

    figure: str
    stored: Value
    recomputed: Value

    @property
    def agrees(self) -> bool:
        if not (_is_number(self.stored) and _is_number(self.recomputed)):
            return self.stored == self.recomputed and type(self.stored) is type(self.recomputed)
        stored, again = float(self.stored or 0), float(self.recomputed or 0)
        return abs(stored - again) <= TOLERANCE * max(1.0, abs(stored))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}


def compare(
    place: str,
    stored: Mapping[str, Any] | None,
    again: Mapping[str, Value],
    names: Iterable[str] = FIGURE,
) -> Iterator[Check]:
    """Every named part of a stored figure beside what comes out again."""
    stored = stored or {}
    for name in names:
        yield Check(f"{place}.{name}" if place else name, stored.get(name), again.get(name))


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
