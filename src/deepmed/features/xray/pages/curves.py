"""The curves of a training: loss, how good it is, how far it steps, how long gradients are."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    HEIGHT,
    INK,
    LEFT,
    RIGHT,
    SOFT,
    TOP,
    WIDTH,
    Axis,
    drawn,
    frame,
    text,
)

CALM = "#2c6a5b"
LOOKS = ((INK, ""), (ACCENT, "7 4"), (SOFT, "2 3"), (CALM, "10 3 2 3"))
"""Colour and dashes: no line is told from another by its colour alone."""
LINE, SIGN, LETTER = 17, 30, 7.6
"""Of the key: height of a line, width of a sign, and about how wide a letter is."""

Point = tuple[float, float | None]


@dataclass(frozen=True)
class Series:
    """A line; where a value is missing it goes on without it."""

    name: str
    points: Sequence[Point]

    @property
    def known(self) -> list[tuple[float, float]]:
        return [(at, value) for at, value in self.points if value is not None]


def curves(  # noqa: PLR0917 - what a chart is made of
    title: str,
    across: str,
    up: str,
    series: Sequence[Series],
    last: float | None = None,
    whole: tuple[float, float] | None = None,
) -> Chart:
    """Lines over epochs or steps.

    Args:
        title: of the chart.
        across: what is counted from left to right.
        up: what the values are.
        series: one to four lines; their points name the rows of the chart's table.
        last: how far the axis goes at least, so that a training is seen to fill it.
        whole: the ends of the upright axis; those of the values when unset.
    """
    points = [point for each in series for point in each.known]
    places = [at for at, _ in points] or [0.0]
    low, high = whole or _ends([value for _, value in points])
    unit = 1.0 if whole else _unit(high)
    first = min(places)
    axis = Axis(first, max([*places, last or 0.0, first + 1]), LEFT + 8, WIDTH - RIGHT)
    key = list(_key(series)) if len(series) > 1 else []
    lines = max((line for line, *_ in key), default=0)
    top = TOP + LINE * lines
    upright = Axis(low / unit, high / unit, HEIGHT - BOTTOM, top)
    body = [
        *frame(axis, upright, across, "" if key else _named(up, unit), ticks=False),
        *_counts(axis),
        *[_line(axis, upright, each, number, unit) for number, each in enumerate(series)],
        *[_sign(*each) for each in key],
    ]
    return Chart(
        title, drawn(title, body), [across, *(each.name for each in series)], _rows(series)
    )


def going_on(points: Iterable[Point]) -> list[Point]:
    """Points in order; a place that comes again, as after a stop, replaces itself and all after."""
    found: list[Point] = []
    for point in points:
        while found and found[-1][0] >= point[0]:
            found.pop()
        found.append(point)
    return found


def _counts(axis: Axis) -> list[str]:
    """Epochs, rounds and steps are whole."""
    whole = [tick for tick in axis.ticks() if tick.is_integer()]
    return [text(axis.at(tick), HEIGHT - BOTTOM + 16, f"{tick:g}", "middle") for tick in whole]


def _rows(series: Sequence[Series]) -> list[list[object]]:
    values = [dict(each.points) for each in series]
    places = sorted({at for each in values for at in each})
    return [[at, *(each.get(at) for each in values)] for at in places]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """From nothing, or from the least where all lie far from it."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low > 0 and high - low > low / 4:
        low = 0.0
    if high == low:
        high = low + (abs(low) or 1.0)
    return low, high


def _unit(high: float) -> float:
    """Numbers of many places do not fit beside an axis, so they are told in powers of ten."""
    if 0.05 <= abs(high) < 10_000:
        return 1.0
    return 10.0 ** math.floor(math.log10(abs(high) or 1.0))


def _named(up: str, unit: float) -> str:
    return up if unit == 1.0 else f"{up}, in units of {unit:g}"


def _line(across: Axis, up: Axis, series: Series, number: int, unit: float) -> str:
    known = series.known
    if not known:
        return ""
    colour, dashes = LOOKS[number]
    shown = " ".join(f"{across.at(at)},{up.at(value / unit)}" for at, value in known)
    at, value = known[-1]
    return (
        f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>'
        f'<circle cx="{across.at(at)}" cy="{up.at(value / unit)}" r="3" fill="{colour}"/>'
    )


def _key(series: Sequence[Series]) -> Iterable[tuple[int, float, int, str]]:
    """Line, place, number and name of each sign; as many in a line as there is room for."""
    line, x = 0, float(LEFT)
    for number, each in enumerate(series):
        wide = SIGN + LETTER * len(each.name) + 14
        if x + wide > WIDTH and x > LEFT:
            line, x = line + 1, float(LEFT)
        yield line, x, number, each.name
        x += wide


def _sign(line: int, x: float, number: int, name: str) -> str:
    colour, dashes = LOOKS[number]
    y = 11 + LINE * line
    return (
        f'<line x1="{x:.1f}" y1="{y}" x2="{x + SIGN - 6:.1f}" y2="{y}" stroke="{colour}" '
        f'stroke-width="2" stroke-dasharray="{dashes}"/>' + text(x + SIGN, y + 4, name, "start")
    )
