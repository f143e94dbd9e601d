"""Five levels of effort for any set of images (X-13)."""

from dataclasses import dataclass
from typing import Any

from deepmed.kit.errors import ValidationError


@dataclass(frozen=True)
class Level:
    """How long is trained, with which steps."""

    number: int
    name: str
    epochs: int
    batch_size: int
    learning_rate: float

    @property
    def values(self) -> dict[str, Any]:
        """What it sets, by place in the configuration."""
        return {
            "experiment.epochs": self.epochs,
            "experiment.batch_size": self.batch_size,
            "experiment.learning_rate": self.learning_rate,
        }


LEVELS = (
    Level(1, "fast", 1, 32, 0.01),
    Level(2, "quick", 2, 24, 0.005),
    Level(3, "balanced", 3, 16, 0.001),
    Level(4, "high", 5, 16, 0.0005),
    Level(5, "best", 8, 8, 0.0001),
)


def level_of(asked: int | str) -> Level:
    """The level of a number or a name.

    Raises:
        ValidationError: there is none.

    >>> level_of(3).epochs, level_of("best").batch_size
    (3, 8)
    """
    for level in LEVELS:
        if str(asked) in {str(level.number), level.name}:
            return level
    known = ", ".join(f"{level.number} ({level.name})" for level in LEVELS)
    raise ValidationError(f"There is no level {asked!r}; choose one of {known}.")
