"""Values as people read them."""

from datetime import UTC, datetime

from deepmed.web import downloads

NOTHING = "–"  # noqa: RUF001 - a dash for "none" in a table
STEPS = ("kB", "MB", "GB", "TB")


def number(value: float | None, digits: int = 3) -> str:
    """Significant digits; a dash where there is none."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def percent(share: float | None, digits: int = 0) -> str:
    return NOTHING if share is None else f"{100 * share:.{digits}f} %"


def age(years: float | None) -> str:
    """`6 years` or `6.5 years`."""
    return NOTHING if years is None else f"{years:.4g} years"


def moment(value: datetime | None) -> str:
    """Day and minute in UTC; the page's script turns it into the reader's own time."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def size(number_of_bytes: int | None) -> str:
    if number_of_bytes is None:
        return NOTHING
    value, unit = float(number_of_bytes), "bytes"
    for step in STEPS:
        if value < 1000:
            break
        value, unit = value / 1000, step
    return f"{value:.3g} {unit}" if unit != "bytes" else f"{number_of_bytes} bytes"


def duration(seconds: float | None) -> str:
    """`40 s`, `3 min` or `2 h 5 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def cell(value: object) -> str:
    """Any value in a table."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


FILTERS = {
    "cell": cell,
    "csv_link": downloads.csv_link,
    "json_link": downloads.json_link,
    "number": number,
    "percent": percent,
    "age": age,
    "moment": moment,
    "size": size,
    "duration": duration,
}
