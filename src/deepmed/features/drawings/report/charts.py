"""Charts as inline SVG: no script, readable in print, and never without their data beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 16, 40
INK, SOFT, ACCENT, GRID = "#25303b", "#9fb3c8", "#b4532a", "#e3e8ee"


@dataclass(frozen=True)
class Chart:
    """A picture and the rows it was drawn from."""

    title: str
    svg: Markup
    columns: list[str]
    rows: list[list[object]]


@dataclass(frozen=True)
class Axis:
    """From data to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 2)

    def ticks(self, count: int = 5) -> list[float]:
        return [float(value) for value in np.linspace(self.low, self.high, count)]


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
        values: the values.
        marks: (name, position) of lines across the bars.
        label: what the horizontal axis measures.
    """
    counts, edges = np.histogram(np.asarray(values), bins=min(24, max(6, len(values) // 4)))
    positions = [position for _, position in marks]
    across = Axis(
        min([*edges.tolist(), *positions]), max([*edges.tolist(), *positions]), LEFT, WIDTH - RIGHT
    )
    up = Axis(0.0, float(counts.max(initial=1)), HEIGHT - BOTTOM, TOP)
    bars = [
        _rect(
            across.at(low),
            up.at(count),
            across.at(high) - across.at(low) - 1,
            up.at(0) - up.at(count),
        )
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    lines = [_mark(across.at(position), name) for name, position in marks]
    body = [*_frame(across, up, label, "drawings"), *bars, *lines]
    rows: list[list[object]] = [
        [float(low), float(high), int(count)]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    rows += [[name, position, None] for name, position in marks]
    return Chart(title, _svg(title, body), ["from", "to", "drawings"], rows)


def strip(title: str, others: Sequence[float], own: float, threshold: float | None) -> Chart:
    """Where one score lies among others: a tick each, a dot for the one, a line to pass."""
    shown = [*others, own, *([threshold] if threshold is not None else [])]
    across = Axis(min(shown), max(shown), 12, WIDTH - 12)
    height, middle = 74, 34
    ticks = [
        f'<line x1="{across.at(score)}" y1="{middle - 9}" x2="{across.at(score)}" '
        f'y2="{middle + 9}" stroke="{SOFT}" stroke-width="2"/>'
        for score in others
    ]
    passing = (
        [
            _line(across.at(threshold), 14, across.at(threshold), 54, dashed=True),
            _text(across.at(threshold) - 4, 12, "flagged from here", "end"),
        ]
        if threshold is not None
        else []
    )
    body = [
        *ticks,
        *passing,
        f'<circle cx="{across.at(own)}" cy="{middle}" r="7" fill="{ACCENT}"/>',
        _text(12, height - 4, "less unusual", "start"),
        _text(WIDTH - 12, height - 4, "more unusual", "end"),
    ]
    rows: list[list[object]] = [["this drawing", own], ["threshold", threshold]]
    rows += [["another child", score] for score in sorted(others)]
    return Chart(title, _svg(title, body, height), ["whose", "score"], rows)


def intervals(
    title: str, rows: Sequence[tuple[str, float | None, float | None, float | None]], *, label: str
) -> Chart:
    """A figure a row with its interval; the dashed line is chance (0.5).

    Args:
        title: what is compared.
        rows: (name, estimate, low, high); rows without an estimate say so.
        label: what is measured.
    """
    height = TOP + BOTTOM + 24 * len(rows)
    across = Axis(0.0, 1.0, 190, WIDTH - 60)
    body = [
        _line(across.at(0.5), TOP, across.at(0.5), height - BOTTOM, dashed=True),
        *[
            _text(across.at(tick), height - BOTTOM + 16, f"{tick:.2g}", "middle")
            for tick in across.ticks()
        ],
        _text((across.start + across.end) / 2, height - 6, label, "middle"),
    ]
    for place, (name, estimate, low, high) in enumerate(rows):
        middle = TOP + 24 * place + 12
        body.append(_text(182, middle + 4, name, "end"))
        if estimate is None or low is None or high is None:
            body.append(_text(across.start, middle + 4, "too few children", "start"))
            continue
        body += [
            _line(across.at(low), middle, across.at(high), middle),
            f'<circle cx="{across.at(estimate)}" cy="{middle}" r="5" fill="{ACCENT}"/>',
            _text(WIDTH - 8, middle + 4, f"{estimate:.2f}", "end"),
        ]
    data: list[list[object]] = [list(row) for row in rows]
    return Chart(title, _svg(title, body, height), ["row", "estimate", "low", "high"], data)


def steps(title: str, observed: Sequence[float], *, label: str, vertical: str) -> Chart:
    """The share of values at or below each level, against the diagonal that a valid p follows."""
    ordered = np.sort(np.asarray(observed, dtype=np.float64))
    across = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    up = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    shares = np.arange(1, len(ordered) + 1) / max(1, len(ordered))
    points = [f"{across.at(0)},{up.at(0)}"]
    last = 0.0
    for value, share in zip(ordered.tolist(), shares.tolist(), strict=True):
        points += [f"{across.at(value)},{up.at(last)}", f"{across.at(value)},{up.at(share)}"]
        last = share
    points.append(f"{across.at(1)},{up.at(last)}")
    body = [
        *_frame(across, up, label, vertical),
        _line(across.at(0), up.at(0), across.at(1), up.at(1), dashed=True),
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{ACCENT}" stroke-width="2"/>',
    ]
    rows: list[list[object]] = [
        [value, share] for value, share in zip(ordered.tolist(), shares.tolist(), strict=True)
    ]
    return Chart(title, _svg(title, body), [label, vertical], rows)


def _frame(across: Axis, up: Axis, label: str, vertical: str) -> list[str]:
    whole = float(up.high).is_integer() and up.high > 1
    heights = sorted({round(tick) for tick in up.ticks()}) if whole else up.ticks()
    grid = [_line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick), colour=GRID) for tick in heights]
    return [
        *grid,
        *[_text(LEFT - 6, up.at(tick) + 4, f"{tick:.3g}", "end") for tick in heights],
        *[
            _text(across.at(tick), HEIGHT - BOTTOM + 16, f"{tick:.3g}", "middle")
            for tick in across.ticks()
        ],
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, label, "middle"),
        _text(4, 11, vertical, "start"),
    ]


def _svg(title: str, body: Sequence[str], height: int = HEIGHT) -> Markup:
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="12" fill="{INK}">{"".join(body)}</svg>'
    )


def _rect(x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{max(width, 1):.2f}" height="{max(height, 0):.2f}" '
        f'fill="{SOFT}"/>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = INK, dashed: bool = False
) -> str:
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"{dashes}/>'


def _mark(x: float, name: str) -> str:
    anchor = "end" if x > WIDTH / 2 else "start"
    offset = -5 if anchor == "end" else 5
    return (
        f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}" stroke="{ACCENT}" '
        f'stroke-width="2"/>{_text(x + offset, TOP + 10, name, anchor)}'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
