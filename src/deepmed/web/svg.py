"""The pencil of all charts: from data to pixels, and shapes as inline SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 400, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 30, 40
INK, SOFT, ACCENT, GRID = "#25303b", "#6b86a3", "#a4481f", "#dfe5eb"


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

    def ticks(self, about: int = 4) -> list[float]:
        """Round numbers within the axis, about so many and one more."""
        span = self.high - self.low
        if not span > 0:
            return [self.low]
        rough = span / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.99)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(place * step, 12) for place in range(first, last + 1)]


def frame(
    across: Axis,
    up: Axis,
    label: str,
    vertical: str,
    *,
    whole: bool = False,
    ticks: bool = True,
    height: int = HEIGHT,
) -> list[str]:
    """Grid, numbers and names of the axes; `whole` numbers alone, or no `ticks` below."""
    heights = [tick for tick in up.ticks() if not whole or tick.is_integer()]
    grid = [line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick), colour=GRID) for tick in heights]
    return [
        *grid,
        *[text(LEFT - 6, up.at(tick) + 4, f"{tick:.4g}", "end") for tick in heights],
        *[
            text(across.at(tick), height - BOTTOM + 16, f"{tick:.4g}", "middle")
            for tick in (across.ticks() if ticks else ())
        ],
        text((LEFT + WIDTH - RIGHT) / 2, height - 6, label, "middle"),
        text(4, 13, vertical, "start"),
    ]


def drawn(title: str, body: Sequence[str], width: int = WIDTH, height: int = HEIGHT) -> Markup:
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="12" fill="{INK}">{"".join(body)}</svg>'
    )


def rect(x: float, y: float, width: float, up: Axis) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{max(width, 1):.2f}" height="{up.at(0) - y:.2f}" '
        f'fill="{SOFT}"/>'
    )


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    colour: str = INK,
    dashed: bool = False,
    width: float = 1,
) -> str:
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" '
        f'stroke-width="{width}"{dashes}/>'
    )


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
