"""The p of a batch's children in order, beside the line that Benjamini and Hochberg draw."""

from collections.abc import Sequence

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
    text,
)

TITLE = "p of each new child, the smallest first"


def ranked(values: Sequence[float], level: float) -> Chart:
    """Every child up to the last one at or below the line is selected.

    Args:
        values: one p a child, at least one.
        level: the false-discovery rate that is asked for.
    """
    ordered = sorted(values)
    many = len(ordered)
    across = Axis(0.0, many, LEFT, WIDTH - RIGHT)
    up = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    lines = [level * rank / many for rank in range(1, many + 1)]
    body = [
        *frame(across, up, "children, by their p", "p", whole=False),
        line(
            across.at(0),
            up.at(0),
            across.at(many),
            up.at(level),
            colour=ACCENT,
            dashed=True,
            width=2,
        ),
        text(WIDTH - RIGHT, up.at(level) - 6, "selected at or below", "end"),
        *[
            f'<circle cx="{across.at(rank)}" cy="{up.at(value)}" r="3" fill="{SOFT}"/>'
            for rank, value in enumerate(ordered, 1)
        ],
    ]
    rows: list[list[object]] = [
        [rank, value, bound]
        for rank, (value, bound) in enumerate(zip(ordered, lines, strict=True), 1)
    ]
    return Chart(TITLE, drawn(TITLE, body), ["rank", "p", "line of the level"], rows)
