"""How a part of the server is, and what to say where it is not well."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from deepmed.kit import clock


class State(StrEnum):
    """From well to worst."""

    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"


_ORDER = list(State)


def worst(states: Iterable[State]) -> State:
    return max(states, key=_ORDER.index, default=State.UNKNOWN)


@dataclass(frozen=True)
class Finding:
    """What a probe found."""

    state: State
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HealthStatus:
    """A component as it was when it was last probed."""

    component: str
    status: State
    message: str
    details: dict[str, Any]
    last_check: datetime
    response_time_ms: float


@dataclass(frozen=True)
class Alert:
    """Something that a person should look at."""

    component: str
    severity: State
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    timestamp: datetime = field(default_factory=clock.now)
