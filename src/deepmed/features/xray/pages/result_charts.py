"""Charts of what a model is worth: each has the rows that it was drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    GRID,
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
ROW, NAMES, NUMBERS = 24, 150, 46
CHANCE = 0.5
FAINT, DEEP, STRONG = 0.12, 0.45, 0.75
LOOKS = (
    (ACCENT, ""), (INK, "6 4"), (SOFT, "2 3"), (INK, ""), (ACCENT, "2 3"), (SOFT, "6 4"),
    (INK, "2 3"), (SOFT, ""),
)  # fmt: skip
"""Colour and dashes of a curve: those beside each other differ in both."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """Points in the order in which they are joined."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Bar:
    """A figure with its interval, as one row of a chart."""

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    patients: int | None
    images: int | None


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
            *[_curve(across, up, each, *look) for each, look in zip(curves, LOOKS, strict=False)],
            *[shape for mark in self.marks for shape in _mark(across, up, *mark)],
            *(_key(curves) if len(curves) > 1 else []),
        ]
        return Chart(self.title, drawn(self.title, body, WIDTH, HIGH), columns, rows)


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


def confusion(title: str, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Chart:
    """How often what was decided for what; the darker a cell, the more of its row are in it.

    Args:
        title: of the chart.
        classes: their names.
        counts: rows are the truth, columns the decision.
    """
    grid = _Grid(len(classes))
    body = [
        text(grid.middle, 16, "decision", "middle"),
        text(4, grid.top - 10, "truth", "start"),
        *[
            text(grid.across(place), grid.top - 10, _short(name, grid.wide), "middle")
            for place, name in enumerate(classes)
        ],
    ]
    for row, (name, line_) in enumerate(zip(classes, counts, strict=True)):
        body.append(text(grid.left - 8, grid.down(row) + 4, _short(name, grid.left - 12), "end"))
        body += [
            shape
            for column, count in enumerate(line_)
            for shape in grid.cell(row, column, count, sum(line_))
        ]
    rows: list[list[object]] = [
        [name, *line_, sum(line_)] for name, line_ in zip(classes, counts, strict=True)
    ]
    columns = ["truth", *[f"decided {name}" for name in classes], "all"]
    return Chart(title, drawn(title, body, WIDTH, grid.height), columns, rows)


@dataclass(frozen=True)
class _Grid:
    """Where the cells of a confusion matrix lie."""

    many: int
    left: int = 120
    top: int = 56

    @property
    def wide(self) -> float:
        return min(110, (WIDTH - self.left - RIGHT) / self.many)

    @property
    def tall(self) -> float:
        return 64 if self.many == 2 else max(26, min(64, self.wide))

    @property
    def height(self) -> int:
        return int(self.top + self.tall * self.many + 4)

    @property
    def middle(self) -> float:
        return self.left + self.wide * self.many / 2

    def across(self, column: int) -> float:
        return self.left + self.wide * (column + 0.5)

    def down(self, row: int) -> float:
        return self.top + self.tall * (row + 0.5)

    def cell(self, row: int, column: int, count: int, whole: int) -> list[str]:
        share = count / whole if whole else 0.0
        return [
            f'<rect x="{self.across(column) - self.wide / 2 + 1:.2f}" '
            f'y="{self.down(row) - self.tall / 2 + 1:.2f}" width="{self.wide - 2:.2f}" '
            f'height="{self.tall - 2:.2f}" fill="{SOFT if row == column else ACCENT}" '
            f'fill-opacity="{FAINT + (DEEP - FAINT) * share:.3f}"/>',
            text(self.across(column), self.down(row) + 4, f"{count:,}", "middle"),
        ]


def intervals(title: str, rows: Sequence[Bar], *, label: str, chance: bool = False) -> Chart:
    """A figure a row with its interval.

    Args:
        title: what is shown.
        rows: figures; those without an estimate say so.
        label: what the axis measures.
        chance: whether 0.5 is what tossing a coin comes to.
    """
    across = Axis(0.0, 1.0, NAMES + 10, WIDTH - NUMBERS)
    still = ("chance", CHANCE) if chance else None
    return _rows(title, rows, across, label=label, still=still)


def differences(title: str, rows: Sequence[Bar]) -> Chart:
    """What one has over the other, a figure a row; an interval that leaves out 0 is beyond chance.

    Args:
        title: what is shown.
        rows: differences, each within -1 and 1.
    """
    ends = [
        abs(end) for row in rows for end in (row.estimate, row.low, row.high) if end is not None
    ]
    most = max([0.01, *ends]) * 1.1
    across = Axis(-most, most, NAMES + 10, WIDTH - NUMBERS)
    return _rows(title, rows, across, label="difference", still=("no difference", 0.0))


def _rows(
    title: str,
    rows: Sequence[Bar],
    across: Axis,
    *,
    label: str,
    still: tuple[str, float] | None,
) -> Chart:
    height = TOP + BOTTOM + ROW * len(rows)
    bottom = height - BOTTOM
    body = [
        *[
            line(across.at(tick), TOP, across.at(tick), bottom, colour=GRID)
            for tick in across.ticks()
        ],
        *[text(across.at(tick), bottom + 16, f"{tick:.3g}", "middle") for tick in across.ticks()],
        text((across.start + across.end) / 2, height - 6, label, "middle"),
    ]
    if still is not None:
        words, x = still[0], across.at(still[1])
        body += [line(x, TOP, x, bottom, dashed=True), text(x, TOP - 6, words, "middle")]
    for place, row in enumerate(rows):
        body += _row(across, TOP + ROW * place + ROW / 2, row)
    data: list[list[object]] = [
        [row.name, row.estimate, row.low, row.high, row.patients, row.images] for row in rows
    ]
    columns = ["figure", "estimate", "low", "high", "patients", "images"]
    return Chart(title, drawn(title, body, WIDTH, height), columns, data)


def _row(across: Axis, middle: float, row: Bar) -> list[str]:
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
        text(WIDTH - 4, middle + 4, f"{row.estimate:.3f}", "end"),
    ]


def _square() -> tuple[Axis, Axis]:
    return Axis(0.0, 1.0, LEFT, WIDTH - RIGHT), Axis(0.0, 1.0, HIGH - BOTTOM, TOP)


def _diagonal(across: Axis, up: Axis) -> str:
    return line(across.at(0), up.at(0), across.at(1), up.at(1), dashed=True)


def _curve(across: Axis, up: Axis, curve: Curve, colour: str, dashes: str) -> str:
    """Neighbours that fall on the same tenth of a pixel are one."""
    places = [(round(across.at(x), 1), round(up.at(y), 1)) for x, y in curve.points]
    shown = " ".join(f"{x},{y}" for (x, y), _ in groupby(places))
    return (
        f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>'
    )


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


def _key(curves: Sequence[Curve]) -> list[str]:
    """Names of the curves, from the right above the frame."""
    found, right = [], WIDTH - RIGHT
    for curve, (colour, dashes) in reversed(list(zip(curves, LOOKS, strict=False))):
        left = right - 7 * len(curve.name) - 30
        found.append(
            f'<line x1="{left}" y1="10" x2="{left + 24}" y2="10" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        found.append(text(left + 29, 14, curve.name, "start"))
        right = left - 12
    return found


def _short(name: str, room: float) -> str:
    most = int(room / 7.5)
    return name if len(name) <= most else name[: most - 1] + "…"
