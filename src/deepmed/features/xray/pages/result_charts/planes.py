"""Two shares against each other: ROC, precision and recall, thresholds, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.features.xray.pages.result_charts.curves import (
    Curve,
    Point,
    drawn_curves,
    key_of,
)
from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    INK,
    LEFT,
    RIGHT,
    SOFT,
    TOP,
    WIDTH,
    Axis,
    drawn,
    frame,
    line,
    text,
)

HIGH = 330
"""Of charts in which both axes are shares."""
STRONG = 0.75


@dataclass(frozen=True)
class Bin:
    """Images whose probability lies in one range; without images it has no shares."""

    low: float
    high: float
    n: int
    stated: float | None
    observed: float | None


@dataclass(frozen=True)
class Plane:
    """Two shares against each other.

    Attributes:
        title: of the chart.
        across: what the horizontal axis measures.
        up: what the vertical one measures.
        diagonal: whether chance, or truth, is the dashed line from corner to corner.
        marks: places with a name, as the threshold that is in use.
        passing: a value across with its name, as a vertical line.
    """

    title: str
    across: str
    up: str
    diagonal: bool = False
    marks: Sequence[tuple[str, Point]] = ()
    passing: tuple[str, float] | None = None

    def drawn(self, curves: Sequence[Curve], columns: list[str], rows: list[list[object]]) -> Chart:
        """The curves in it, with the rows that stand behind them."""
        across, up = _square()
        body = [
            *frame(across, up, self.across, self.up, height=HIGH),
            *([_diagonal(across, up)] if self.diagonal else []),
            *([] if self.passing is None else _passing(across, up, *self.passing)),
            *drawn_curves(across, up, curves),
            *[shape for mark in self.marks for shape in _mark(across, up, *mark)],
            *self._key(curves),
        ]
        return Chart(self.title, drawn(self.title, body, WIDTH, HIGH), columns, rows)

    def _key(self, curves: Sequence[Curve]) -> list[str]:
        """Under a diagonal there is room for many."""
        if len(curves) < 2:
            return []
        return key_of(curves, HIGH - BOTTOM - 14 if self.diagonal else None)


def calibration(title: str, bins: Sequence[Bin], prevalence: float) -> Chart:
    """What was stated against what was observed, a dot a bin, larger where more images are in it.

    Args:
        title: of the chart.
        bins: from the lowest probability to the highest.
        prevalence: share of positives among these images.
    """
    across, up = _square()
    most = max(each.n for each in bins) or 1
    body = [
        *frame(across, up, "stated probability", "share that has it", height=HIGH),
        _diagonal(across, up),
        line(across.at(0), up.at(prevalence), across.at(1), up.at(prevalence), colour=SOFT),
        text(across.at(1), up.at(prevalence) - 4, "share of all", "end"),
        *[_dot(across, up, each, most) for each in bins],
    ]
    rows: list[list[object]] = [
        [each.low, each.high, each.n, each.stated, each.observed] for each in bins
    ]
    columns = ["from", "to below", "images", "mean stated probability", "share that has it"]
    return Chart(title, drawn(title, body, WIDTH, HIGH), columns, rows)


def _square() -> tuple[Axis, Axis]:
    return Axis(0.0, 1.0, LEFT, WIDTH - RIGHT), Axis(0.0, 1.0, HIGH - BOTTOM, TOP)


def _diagonal(across: Axis, up: Axis) -> str:
    return line(across.at(0), up.at(0), across.at(1), up.at(1), dashed=True)


def _mark(across: Axis, up: Axis, name: str, place: Point) -> list[str]:
    x, y = across.at(place[0]), up.at(place[1])
    anchor, beside = ("end", -9) if x > WIDTH / 2 else ("start", 9)
    return [
        f'<circle cx="{x}" cy="{y}" r="5" fill="{INK}"/>',
        text(x + beside, y + 16, name, anchor),
    ]


def _passing(across: Axis, up: Axis, name: str, value: float) -> list[str]:
    x = across.at(value)
    anchor, beside = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    return [
        line(x, up.at(1), x, up.at(0), dashed=True),
        text(x + beside, up.at(0) - 8, name, anchor),
    ]


def _dot(across: Axis, up: Axis, each: Bin, most: int) -> str:
    if each.stated is None or each.observed is None:
        return ""
    radius = 3 + 8 * (each.n / most) ** 0.5
    return (
        f'<circle cx="{across.at(each.stated)}" cy="{up.at(each.observed)}" r="{radius:.1f}" '
        f'fill="{ACCENT}" fill-opacity="{STRONG}"/>'
    )
