"""Curves over two axes, with a key where there are several."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

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

LOOKS = (
    (ACCENT, ""), (INK, "6 4"), (SOFT, "2 3"), (INK, ""), (ACCENT, "2 3"), (SOFT, "6 4"),
    (INK, "2 3"), (SOFT, ""),
)  # fmt: skip
"""Colour and dashes of a curve: those beside each other differ in both."""

LETTER = 7.6
"""Pixels of a letter in the key, about."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """Points in the order in which they are joined."""

    name: str
    points: Sequence[Point]


def by_round(
    title: str,
    curves: Sequence[Curve],
    columns: list[str],
    rows: list[list[object]],
    *,
    shares: bool = True,
) -> Chart:
    """Values after each round, with a dot for each.

    Args:
        title: what is shown.
        curves: values by round; at least one with a point.
        columns: of the rows.
        rows: what stands behind it.
        shares: whether all values lie within 0 and 1.
    """
    values = [value for curve in curves for _, value in curve.points]
    last = max(number for curve in curves for number, _ in curve.points)
    across = Axis(0.0, max(1.0, last), LEFT + 8, WIDTH - RIGHT)
    up = Axis(0.0, 1.0 if shares else max(values), HEIGHT - BOTTOM, TOP + 12)
    ticks = [tick for tick in across.ticks() if tick.is_integer()]
    body = [
        *frame(across, up, "round (0: before the first)", "", ticks=False),
        *[text(across.at(tick), HEIGHT - BOTTOM + 16, f"{tick:g}", "middle") for tick in ticks],
    ]
    dots = [
        f'<circle cx="{across.at(x)}" cy="{up.at(y)}" r="3" fill="{colour}"/>'
        for curve, (colour, _) in zip(curves, LOOKS, strict=False)
        for x, y in curve.points
    ]
    body += [*drawn_curves(across, up, curves), *dots, *key_of(curves)]
    return Chart(title, drawn(title, body), columns, rows)


def drawn_curves(across: Axis, up: Axis, curves: Sequence[Curve]) -> list[str]:
    """Each in its look; neighbours that fall on the same tenth of a pixel are one point."""
    found = []
    for curve, (colour, dashes) in zip(curves, LOOKS, strict=False):
        places = [(round(across.at(x), 1), round(up.at(y), 1)) for x, y in curve.points]
        shown = " ".join(f"{x},{y}" for (x, y), _ in groupby(places))
        found.append(
            f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dashes}"/>'
        )
    return found


def key_of(curves: Sequence[Curve], bottom: int | None = None) -> list[str]:
    """Names of the curves: in a line above the frame, or one above the other from `bottom` up."""
    found, right = [], float(WIDTH - RIGHT)
    for place, (curve, look) in enumerate(reversed(list(zip(curves, LOOKS, strict=False)))):
        left = right - LETTER * len(curve.name) - 30
        down = 10 if bottom is None else bottom - 16 * place
        found += _named(left, down, curve.name, look)
        right = left - 12 if bottom is None else right
    return found


def _named(left: float, down: float, name: str, look: tuple[str, str]) -> list[str]:
    return [
        f'<line x1="{left}" y1="{down}" x2="{left + 24}" y2="{down}" stroke="{look[0]}" '
        f'stroke-width="2" stroke-dasharray="{look[1]}"/>',
        text(left + 29, down + 4, name, "start"),
    ]
