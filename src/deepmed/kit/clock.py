from datetime import UTC, datetime


def now() -> datetime:
    """The time in UTC, with its zone."""
    return datetime.now(UTC)
