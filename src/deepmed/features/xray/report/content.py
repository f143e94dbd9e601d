"""What a report shows, as plain values; PDF and HTML only lay it out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from deepmed.web.charts import Chart, Table
from deepmed.web.formats import cell


@dataclass(frozen=True)
class Titled:
    """A table under its name; `parts` are the widths of its columns."""

    name: str
    table: Table
    parts: Sequence[float] | None = None


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    title: str
    words: Sequence[str] = ()
    tables: Sequence[Titled] = ()
    charts: Sequence[Chart] = ()
    pictures: Sequence["Picture"] = ()


@dataclass(frozen=True)
class Picture:
    """A PNG with what it shows."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Report:
    """The whole document.

    Attributes:
        title: in a line.
        subject: what kind of report it is, for the file's properties.
        made: when.
        lead: what should be read first.
        sections: in the order of reading.
        footer: who made it from what.
    """

    title: str
    subject: str
    made: datetime
    lead: Sequence[str]
    sections: Sequence[Section]
    footer: str

    @property
    def texts(self) -> Iterator[str]:
        """All that is written in it, for the choice of a font."""
        yield from (self.title, self.subject, self.footer, *self.lead)
        for section in self.sections:
            yield from (section.title, *section.words)
            yield from (picture.caption for picture in section.pictures)
            yield from (f"{chart.title}{chart.svg}" for chart in section.charts)
            for titled in section.tables:
                yield from (titled.name, *titled.table.columns)
                yield from (cell(value) for row in titled.table.rows for value in row)
