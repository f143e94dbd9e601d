"""Charts as inline SVG: no script, readable in print, and never without their data beside them."""

from collections.abc import Sequence

import numpy as np

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    SOFT,
    TOP,
    WIDTH,
    Axis,
    drawn,
    frame,
    line,
    rect,
    text,
)

ROW, NAMES = 22, 154
CHANCE = 0.5

Figure = tuple[str, float | None, float | None, float | None, int | None]
"""Name, estimate, bounds of the interval, and how many children it rests on."""
Level = tuple[float, float, float]
"""Level, and from where to where values may lie from there to the next level."""


def histogram(
    title: str,
    values: Sequence[float],
    marks: Sequence[tuple[str, float]] = (),
    *,
    label: str,
) -> Chart:
    """How many values lie where, with named vertical lines.

    Args:
        title: what is counted.
        values: the values, at least one.
        marks: (name, position) of lines across the bars.
        label: what the horizontal axis measures.
    """
    counts, edges = np.histogram(np.asarray(values), bins=min(24, max(6, len(values) // 4)))
    bins = list(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True))
    ends = [*edges.tolist(), *(position for _, position in marks)]
    across = Axis(min(ends), max(ends), LEFT, WIDTH - RIGHT)
    up = Axis(0.0, float(counts.max()), HEIGHT - BOTTOM, TOP)
    bars = [
        rect(across.at(low), up.at(count), across.at(high) - across.at(low) - 1, up)
        for low, high, count in bins
    ]
    lines = [_mark(across.at(position), name) for name, position in marks]
    body = [*frame(across, up, label, "drawings", whole=True), *bars, *lines]
    rows: list[list[object]] = [list(one) for one in bins]
    rows += [[name, position, None] for name, position in marks]
    return Chart(title, drawn(title, body), ["from", "to", "drawings"], rows)


def strip(title: str, others: Sequence[float], own: float, threshold: float | None) -> Chart:
    """Where one score lies among others: a tick each, a dot for the one, a line to pass."""
    shown = [*others, own, *([threshold] if threshold is not None else [])]
    width, height, middle = 360, 72, 36
    across = Axis(min(shown), max(shown), 10, width - 10)
    ticks = [
        f'<line x1="{across.at(score)}" y1="{middle - 9}" x2="{across.at(score)}" '
        f'y2="{middle + 9}" stroke="{SOFT}" stroke-width="1.5"/>'
        for score in others
    ]
    passing = [] if threshold is None else _passing(across.at(threshold), width)
    body = [
        *ticks,
        *passing,
        f'<circle cx="{across.at(own)}" cy="{middle}" r="6.5" fill="{ACCENT}"/>',
        text(10, height - 4, "less unusual", "start"),
        text(width - 10, height - 4, "more unusual", "end"),
    ]
    rows: list[list[object]] = [["this drawing", own], ["threshold", threshold]]
    rows += [["another child", score] for score in sorted(others)]
    return Chart(title, drawn(title, body, width, height), ["whose", "score"], rows)


def intervals(title: str, rows: Sequence[Figure], *, label: str) -> Chart:
    """A figure a row with its interval; the dashed line is chance (0.5).

    Args:
        title: what is compared.
        rows: figures; those without an estimate say so.
        label: what is measured.
    """
    height = TOP + BOTTOM + ROW * len(rows)
    across = Axis(0.0, 1.0, NAMES + 10, WIDTH - 46)
    body = [
        line(across.at(CHANCE), TOP, across.at(CHANCE), height - BOTTOM, dashed=True),
        text(across.at(CHANCE), TOP - 6, "chance", "middle"),
        *[
            text(across.at(tick), height - BOTTOM + 16, f"{tick:.2g}", "middle")
            for tick in across.ticks()
        ],
        text((across.start + across.end) / 2, height - 6, label, "middle"),
    ]
    for place, row in enumerate(rows):
        body += _figure(across, TOP + ROW * place + ROW / 2, row)
    data: list[list[object]] = [list(row) for row in rows]
    columns = ["row", "estimate", "low", "high", "children"]
    return Chart(title, drawn(title, body, WIDTH, height), columns, data)


def steps(
    title: str, observed: Sequence[float], band: Sequence[Level] = (), *, label: str, vertical: str
) -> Chart:
    """The share of values at or below each level, against the diagonal that a valid p follows.

    Args:
        title: whose values they are.
        observed: values within 0 and 1.
        band: where the share is expected, if that is known; its levels hold all values.
        label: what the values are.
        vertical: what their share is called.
    """
    # Ranks are few however many drawings have them: one stair for each.
    levels, counts = np.unique(np.asarray(observed, dtype=np.float64), return_counts=True)
    across = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    up = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    shares = np.cumsum(counts) / max(1, len(observed))
    pairs = list(zip(levels.tolist(), shares.tolist(), strict=True))
    body = [
        *frame(across, up, label, vertical),
        *_band(across, up, band),
        line(across.at(0), up.at(0), across.at(1), up.at(1), dashed=True),
        f'<polyline points="{_stairs(across, up, pairs)}" fill="none" stroke="{ACCENT}" '
        'stroke-width="2"/>',
    ]
    rows: list[list[object]] = [[*pair, *_expected(pair[0], band)] for pair in pairs]
    columns = [label, vertical, *(["band from", "band to"] if band else [])]
    return Chart(title, drawn(title, body), columns, rows)


def _stairs(across: Axis, up: Axis, pairs: Sequence[tuple[float, float]]) -> str:
    points, last = [f"{across.at(0)},{up.at(0)}"], 0.0
    for value, share in pairs:
        points += [f"{across.at(value)},{up.at(last)}", f"{across.at(value)},{up.at(share)}"]
        last = share
    return " ".join([*points, f"{across.at(1)},{up.at(last)}"])


def _band(across: Axis, up: Axis, band: Sequence[Level]) -> list[str]:
    """A rectangle from each level to the next: the band has steps, as the line has."""
    ends = [level for level, _, _ in band[1:]]
    return [
        f'<rect x="{across.at(level)}" y="{up.at(high)}" '
        f'width="{across.at(end) - across.at(level):.2f}" '
        f'height="{max(up.at(low) - up.at(high), 1):.2f}" fill="{SOFT}" fill-opacity="0.25"/>'
        for (level, low, high), end in zip(band, ends, strict=False)
    ]


def _expected(value: float, band: Sequence[Level]) -> list[float]:
    """The band's bounds at a value: those of the greatest level that is not above it."""
    return [bound for level, *bounds in band if level <= value + 1e-12 for bound in bounds][-2:]


def _figure(across: Axis, middle: float, row: Figure) -> list[str]:
    name, estimate, low, high, _ = row
    named = text(NAMES, middle + 4, name, "end")
    if estimate is None or low is None or high is None:
        return [named, text(across.start, middle + 4, "not measured", "start")]
    return [
        named,
        line(across.at(low), middle, across.at(high), middle, width=1.5),
        f'<circle cx="{across.at(estimate)}" cy="{middle}" r="4.5" fill="{ACCENT}"/>',
        text(WIDTH - 6, middle + 4, f"{estimate:.2f}", "end"),
    ]


def _passing(x: float, width: float) -> list[str]:
    # The words stand on the side where there is room.
    anchor, beside = ("end", -4) if x > width / 2 else ("start", 4)
    return [
        line(x, 4, x, 54, dashed=True),
        text(x + beside, 14, "flagged from here", anchor),
    ]


def _mark(x: float, name: str) -> str:
    anchor, beside = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    passing = line(x, TOP - 12, x, HEIGHT - BOTTOM, colour=ACCENT, width=2)
    return passing + text(x + beside, TOP - 3, name, anchor)
