"""Charts that only pages have: how old the children are, and how a training's losses fall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    BOTTOM,
    HEIGHT,
    INK,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    drawn,
    frame,
    rect,
    text,
)

Point = tuple[int, float, float | None]
"""Epoch, loss of the rows that are learned from, loss of those that watch."""


@dataclass(frozen=True)
class Losses:
    """One fit's losses so far."""

    title: str
    points: Sequence[Point]
    epochs: int
    """How many there will be at most."""


def age_bars(ages: Mapping[float, int]) -> Chart:
    """How many drawings there are of each year of age; `ages` are exact ages with their counts."""
    years: dict[int, int] = {}
    for age, count in ages.items():
        years[int(age)] = years.get(int(age), 0) + count
    first, last = min(years), max(years) + 1
    across = Axis(first, last, LEFT, WIDTH - RIGHT)
    up = Axis(0.0, max(years.values()), HEIGHT - BOTTOM, TOP)
    wide = across.at(first + 1) - across.at(first) - 3
    bars = [
        rect(across.at(year) + 1.5, up.at(years[year]), wide, up)
        + text(across.at(year + 0.5), up.at(years[year]) - 4, str(years[year]), "middle")
        for year in sorted(years)
    ]
    title = "Drawings by age"
    names = [
        text(across.at(year + 0.5), HEIGHT - BOTTOM + 16, str(year), "middle")
        for year in range(first, last)
    ]
    body = [*frame(across, up, "age in years", "drawings", whole=True, ticks=False), *names, *bars]
    rows: list[list[object]] = [
        [f"{year} to under {year + 1}", years[year]] for year in sorted(years)
    ]
    return Chart(title, drawn(title, body), ["age in years", "drawings"], rows)


def loss_curves(losses: Losses) -> Chart:
    """A fit's losses by epoch: a full line where it learns, a broken one where it only looks."""
    points = losses.points
    values = [value for _, *both in points for value in both if value is not None]
    across = Axis(1, max(2, losses.epochs), LEFT + 8, WIDTH - RIGHT)
    up = Axis(min(values), max(values), HEIGHT - BOTTOM, TOP + 12)
    learned = [(epoch, loss) for epoch, loss, _ in points]
    watched = [(epoch, loss) for epoch, _, loss in points if loss is not None]
    body = [
        *frame(across, up, "epoch", "loss"),
        _curve(across, up, learned, ACCENT, ""),
        _curve(across, up, watched, INK, "6 4"),
        *_key(),
    ]
    columns = ["epoch", "loss in learning", "loss of children who watch"]
    rows: list[list[object]] = [list(point) for point in points]
    return Chart(losses.title, drawn(losses.title, body), columns, rows)


def _curve(
    across: Axis, up: Axis, points: Sequence[tuple[int, float]], colour: str, dashes: str
) -> str:
    if not points:
        return ""
    shown = " ".join(f"{across.at(epoch)},{up.at(loss)}" for epoch, loss in points)
    epoch, loss = points[-1]
    return (
        f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>'
        f'<circle cx="{across.at(epoch)}" cy="{up.at(loss)}" r="3" fill="{colour}"/>'
    )


def _key() -> list[str]:
    places = (
        (WIDTH - 250, ACCENT, "", "learning"),
        (WIDTH - 150, INK, "6 4", "children who watch"),
    )
    return [
        f'<line x1="{x}" y1="10" x2="{x + 24}" y2="10" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>' + text(x + 29, 14, words, "start")
        for x, colour, dashes, words in places
    ]
