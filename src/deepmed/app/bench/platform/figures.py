"""One measured figure beside what was promised of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

DIGITS = 4


@dataclass(frozen=True)
class Figure:
    """The median of some runs.

    Attributes:
        runs: every run, in the figure's unit.
        unit: such as `s` or `MB/s`; a MB has 1,000,000 bytes.
        limit: what was promised of the median; None where nothing was.
        at_least: whether more is better.
        condition: what must hold besides, and whether it does.
    """

    runs: Sequence[float]
    unit: str
    limit: float | None = None
    at_least: bool = False
    condition: tuple[str, bool] | None = None

    @property
    def value(self) -> float:
        return median(self.runs)

    @property
    def passed(self) -> bool | None:
        """Whether all that was promised was kept; None where nothing was promised."""
        if self.limit is None:
            return self.condition and self.condition[1]
        kept = self.value >= self.limit if self.at_least else self.value < self.limit
        return kept and (self.condition is None or self.condition[1])

    def to_dict(self) -> dict[str, Any]:
        found = {
            "value": _rounded(self.value),
            "unit": self.unit,
            "limit": self.limit,
            "at_least": self.at_least,
            "passed": self.passed,
            "runs": [_rounded(each) for each in self.runs],
        }
        if self.condition is not None:
            found["condition"], found["condition_holds"] = self.condition
        return found


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
