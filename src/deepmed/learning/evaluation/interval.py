"""A figure as it may be reported: with interval, sample size, unit, method and split."""

from dataclasses import asdict, dataclass, replace
from typing import Any

NOT_STATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its interval.

    >>> figure = Interval(estimate=0.8, low=0.6, high=0.9, level=0.95, method="Wilson score",
    ...                   unit="drawing", sample_size=20, n_items=20)
    >>> figure.wholly_above(0.5), figure.from_split("test").to_dict()["split"]
    (True, 'test')
    """

    estimate: float
    low: float
    high: float
    level: float
    """Confidence level, a share."""
    method: str
    unit: str
    """What was resampled or counted: the child where it is known."""
    sample_size: int
    """How many units."""
    n_items: int
    """How many drawings."""
    n_negative: int | None = None
    """Drawings of the negative class; None where there are no classes."""
    n_positive: int | None = None
    split: str = NOT_STATED
    """Which drawings these are, for example "held-out drawings of new children"."""

    @property
    def n_children(self) -> int | None:
        """How many children; None where the unit is the drawing."""
        return self.sample_size if self.unit == "child" else None

    def wholly_above(self, value: float) -> bool:
        """Whether the whole interval lies above a value: beyond chance, beyond a rival."""
        return self.low > value

    def from_split(self, split: str) -> "Interval":
        """The same figure, saying which drawings it came from."""
        return replace(self, split=split)

    def to_dict(self) -> dict[str, Any]:
        """All fields and `n_children`, ready for JSON."""
        return {**asdict(self), "n_children": self.n_children}
