"""From which values on the server warns; set by an administrator, kept in the database."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.core.health.tables import HealthThreshold
from deepmed.kit.errors import ValidationError

DEFAULTS = {
    "cpu_percent": 80.0,
    "memory_percent": 85.0,
    "disk_percent": 90.0,
    "response_time_ms": 5000.0,
}
CRITICAL_PERCENT = 95.0
"""From here on a share of the machine is critical, whatever the threshold."""


def current(session: Session) -> dict[str, float]:
    """Every threshold, the default where none was set."""
    rows = session.scalars(select(HealthThreshold))
    return DEFAULTS | {row.name: row.value for row in rows}


def store(session: Session, changes: Mapping[str, float]) -> None:
    """Set some thresholds.

    Raises:
        ValidationError: names the first that is unknown or out of range; nothing was changed.
    """
    for name, value in changes.items():
        _check(name, value)
    known = {row.name: row for row in session.scalars(select(HealthThreshold))}
    for name, value in changes.items():
        if name in known:
            known[name].value = value
        else:
            session.add(HealthThreshold(name=name, value=value))


def _check(name: str, value: float) -> None:
    if name not in DEFAULTS:
        known = ", ".join(DEFAULTS)
        raise ValidationError(f"There is no threshold {name!r}; there are: {known}.")
    if name == "response_time_ms":
        if not 0 < value < float("inf"):
            raise ValidationError("response_time_ms must be greater than 0; nothing was changed.")
    elif not 0 <= value <= 100:
        raise ValidationError(f"{name} must be from 0 to 100; nothing was changed.")
