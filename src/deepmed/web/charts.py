"""What a page or a report shows of numbers: rows, and pictures that never come without theirs."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Table:
    """Rows with a heading a column."""

    columns: list[str]
    rows: list[list[object]]


@dataclass(frozen=True)
class Chart:
    """A picture and the rows it was drawn from."""

    title: str
    svg: Markup
    columns: list[str]
    rows: list[list[object]]
