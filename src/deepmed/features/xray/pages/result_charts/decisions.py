"""What was decided for what, and where one decision lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepmed.web.charts import Chart
from deepmed.web.svg import (
    ACCENT,
    RIGHT,
    SOFT,
    WIDTH,
    Axis,
    drawn,
    line,
    text,
)

FAINT, DEEP = 0.12, 0.45


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


def scale(
    title: str,
    probability: float,
    threshold: float,
    band: tuple[float, float] | None,
    classes: Sequence[str],
) -> Chart:
    """Where one probability lies: a dot, the threshold, and where nothing is answered.

    Args:
        title: whose probability it is.
        probability: of the second class.
        threshold: from which on that is decided.
        band: of no answer; None where there is none.
        classes: the names of both.
    """
    height, middle = 84, 40
    across = Axis(0.0, 1.0, 12, WIDTH - 12)
    low, high = band or (threshold, threshold)
    body = [
        f'<rect x="{across.at(low)}" y="{middle - 14}" '
        f'width="{across.at(high) - across.at(low):.2f}" height="28" fill="{SOFT}" '
        f'fill-opacity="0.3"/>',
        line(across.at(0), middle, across.at(1), middle),
        line(across.at(threshold), middle - 18, across.at(threshold), middle + 18, dashed=True),
        f'<circle cx="{across.at(probability)}" cy="{middle}" r="7" fill="{ACCENT}"/>',
        text(across.at(0), 14, classes[0], "start"),
        text(across.at(1), 14, classes[1], "end"),
        *[
            text(across.at(end), height - 8, f"{end:g}", "middle")
            for end in (0, 0.25, 0.5, 0.75, 1)
        ],
    ]
    rows: list[list[object]] = [
        ["this image", probability],
        ["threshold", threshold],
        ["no answer from", None if band is None else low],
        ["no answer to", None if band is None else high],
    ]
    return Chart(title, drawn(title, body, WIDTH, height), ["what", "probability"], rows)


def _short(name: str, room: float) -> str:
    most = int(room / 7.5)
    return name if len(name) <= most else name[: most - 1] + "…"
