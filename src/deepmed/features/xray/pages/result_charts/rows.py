"""Figures a row each, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    GRID,
    TOP,
    WIDTH,
    Axis,
    drawn,
    line,
    text,
)

ROW, NAMES, NUMBERS = 24, 150, 46


@dataclass(frozen=True)
class Bar:
    """A figure with its interval, as one row of a chart."""

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    patients: int | None
    images: int | None


def intervals(title: str, rows: Sequence[Bar], *, label: str, counted: str = "patients") -> Chart:
    """A figure a row with its interval.

    Args:
        title: what is shown.
        rows: figures; those without an estimate say so.
        label: what the axis measures.
        counted: over what the figures are.
    """
    across = Axis(0.0, 1.0, NAMES + 10, WIDTH - NUMBERS)
    return _rows(title, rows, across, label=label, still=None, counted=counted)


def differences(title: str, rows: Sequence[Bar], *, counted: str = "patients") -> Chart:
    """What one has over the other, a figure a row; an interval that leaves out 0 is beyond chance.

    Args:
        title: what is shown.
        rows: differences, each within -1 and 1.
        counted: over what they are.
    """
    ends = [
        abs(end) for row in rows for end in (row.estimate, row.low, row.high) if end is not None
    ]
    most = max([0.01, *ends]) * 1.1
    across = Axis(-most, most, NAMES + 10, WIDTH - NUMBERS)
    still = ("no difference", 0.0)
    return _rows(title, rows, across, label="difference", still=still, counted=counted)


def _rows(
    title: str,
    rows: Sequence[Bar],
    across: Axis,
    *,
    label: str,
    still: tuple[str, float] | None,
    counted: str = "patients",
) -> Chart:
    top = TOP if still else 6
    height = top + BOTTOM + ROW * len(rows)
    bottom = height - BOTTOM
    body = [
        *[
            line(across.at(tick), top, across.at(tick), bottom, colour=GRID)
            for tick in across.ticks()
        ],
        *[text(across.at(tick), bottom + 16, f"{tick:.3g}", "middle") for tick in across.ticks()],
        text((across.start + across.end) / 2, height - 6, label, "middle"),
    ]
    if still is not None:
        words, x = still[0], across.at(still[1])
        body += [line(x, top, x, bottom, dashed=True), text(x, top - 6, words, "middle")]
    for place, row in enumerate(rows):
        body += _row(across, top + ROW * place + ROW / 2, row, ".3f" if still is None else "+.3f")
    data: list[list[object]] = [
        [row.name, row.estimate, row.low, row.high, row.patients, row.images] for row in rows
    ]
    columns = ["figure", "estimate", "low", "high", counted, "images"]
    return Chart(title, drawn(title, body, WIDTH, height), columns, data)


def _row(across: Axis, middle: float, row: Bar, form: str) -> list[str]:
    named = text(NAMES, middle + 4, row.name, "end")
    if row.estimate is None:
        return [named, text(across.start, middle + 4, "cannot be had", "start")]
    around = []
    if row.low is not None and row.high is not None:
        around = [line(across.at(row.low), middle, across.at(row.high), middle, width=1.5)]
    return [
        named,
        *around,
        f'<circle cx="{across.at(row.estimate)}" cy="{middle}" r="4.5" fill="{ACCENT}"/>',
        text(WIDTH - 4, middle + 4, format(row.estimate, form), "end"),
    ]
