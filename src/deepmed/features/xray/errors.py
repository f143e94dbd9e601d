"""What goes wrong with X-rays before anything is trained, beneath the one root (P-3).

DeepMedError
└── ValidationError
    ├── SourceRefusedError     422  labels, images or their number forbid a training
    ├── LeakageError           422  a patient or an image stands on both sides of a split
    └── ConfigurationRefusedError  422  settings that do not go together
        └── NetworkRefusedError    400  a network that is known and not offered, with the reason
"""

from dataclasses import asdict, dataclass
from typing import Any

from deepmed.kit.errors import ValidationError
from deepmed.learning.networks.errors import NetworkNotOfferedError

_MOST_IN_MESSAGE = 10


@dataclass(frozen=True)
class Rejection:
    """A file or a row that is not used, and why; `row` counts the header as row 1."""

    name: str
    reason: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        row = None if self.row is None else f"row {self.row}"
        column = self.column and f"column {self.column!r}"
        place = ", ".join(part for part in (row, column) if part)
        return f"{self.name} ({place}): {self.reason}" if place else f"{self.name}: {self.reason}"


class SourceRefusedError(ValidationError):
    """The images and labels cannot be trained on; no training was started.

    `details["problems"]` lists all of them: name, row, column and reason.
    """

    code = "source_refused"
    status = 422

    @classmethod
    def of(cls, problems: list[Rejection], remedy: str) -> "SourceRefusedError":
        return cls(
            f"No training was started: {in_words(problems)}. {remedy}",
            problems=[asdict(problem) for problem in problems],
        )


class LeakageError(ValidationError):
    """A patient or an image stands on both sides of a split; the run was stopped."""

    code = "leakage"
    status = 422


class ConfigurationRefusedError(ValidationError):
    """The settings are not acceptable, or not together; nothing was changed."""

    code = "configuration_refused"
    status = 422

    @staticmethod
    def of(error: ValidationError, kept: str) -> "ConfigurationRefusedError":
        """What is wrong with settings, and that nothing came of it."""
        known = isinstance(error.__cause__, NetworkNotOfferedError)
        kind = NetworkRefusedError if known else ConfigurationRefusedError
        return kind(f"{error.message} {kept}")


class NetworkRefusedError(ConfigurationRefusedError):
    """The network is known and not offered; nothing was changed."""

    code = "network_refused"
    status = 400


def in_words(problems: list[Rejection] | tuple[Rejection, ...]) -> str:
    """The first of them, and how many more there are."""
    more = len(problems) - _MOST_IN_MESSAGE
    told = "; ".join(map(str, problems[:_MOST_IN_MESSAGE]))
    return f"{told}; and {more} more" if more > 0 else told


def rejection_from(entry: dict[str, Any]) -> Rejection:
    return Rejection(entry["name"], entry["reason"], entry["row"], entry["column"])
