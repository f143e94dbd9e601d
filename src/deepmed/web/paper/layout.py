"""What every PDF is laid out with: a font that has the letters, texts, tables and charts."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable
from reportlab.platypus.doctemplate import LayoutError

from deepmed.kit.errors import ValidationError
from deepmed.kit.pictures import Pixels, encode_png
from deepmed.web.charts import Chart, Table
from deepmed.web.formats import cell
from deepmed.web.paper.fonts import Font
from deepmed.web.paper.shapes import on_paper

MARGIN = 18 * mm
GAP = 4 * mm
PADDING = 12
"""A frame pads its content by six points on either side."""
INK, QUIET, LINE = map(colors.HexColor, ("#25303b", "#566473", "#dfe5eb"))
Size = tuple[float, float]


class TooHighError(ValidationError):
    """A text is longer than a page has room for; no report was made. Shorten it."""

    code = "too_high"


class Paper:
    """Turns words, tables and pictures into what reportlab places on pages of a size."""

    def __init__(self, font: Font, page: Size = A4) -> None:
        self.font, self.page = font, page
        self.width = page[0] - 2 * MARGIN - PADDING
        self.font_name = _registered(font.path)
        self.styles = {
            kind: ParagraphStyle(
                kind,
                fontName=self.font_name,
                fontSize=size,
                leading=size * 1.4,
                textColor=colour,
                spaceAfter=after * mm,
            )
            for kind, size, colour, after in (
                ("title", 18, INK, 2),
                ("heading", 12.5, INK, 1.5),
                ("text", 10, INK, 1.2),
                ("quiet", 8.5, QUIET, 1),
                ("cell", 8.5, INK, 0),
            )
        }

    def document(self, title: str, subject: str, story: Iterable[Flowable]) -> bytes:
        """The file.

        Raises:
            TooHighError: something cannot be divided and is higher than a page.
        """
        buffer = io.BytesIO()
        made = SimpleDocTemplate(
            buffer,
            pagesize=self.page,
            leftMargin=MARGIN,
            rightMargin=MARGIN,
            topMargin=MARGIN,
            bottomMargin=MARGIN,
            title=self.font.shown(title),
            author="DeepMed",
            subject=subject,
            creator="DeepMed",
        )
        try:
            made.build(list(story))
        except LayoutError as error:
            raise TooHighError from error
        return buffer.getvalue()

    def text(self, words: str, kind: str = "text") -> Paragraph:
        safe = escape(self.font.shown(words)).replace("\n", "<br/>")
        return Paragraph(safe, self.styles[kind])

    def lines(self, pairs: Iterable[tuple[str, object]]) -> Iterator[Flowable]:
        for name, value in pairs:
            yield self.text(f"{name}: {cell(value)}")

    def section(self, name: str, body: Sequence[Flowable]) -> Iterator[Flowable]:
        """A heading that stays with what follows it; nothing where nothing does."""
        if body:
            yield Spacer(1, GAP)
            yield KeepTogether([self.text(name, "heading"), body[0]])
            yield from body[1:]

    def table(self, table: Table, widths: Sequence[float] | None = None) -> Flowable:
        """Over the whole width; `widths` are the columns' parts of it."""
        rows: list[list[object]] = [list(table.columns), *table.rows]
        cells = [[self.text(cell(value), "cell") for value in row] for row in rows]
        parts = widths or [1.0] * len(table.columns)
        columns = [self.width * part / sum(parts) for part in parts]
        style = [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ]
        return PdfTable(
            cells, colWidths=columns, style=style, repeatRows=1, splitInRow=1, hAlign="LEFT"
        )

    def chart(self, chart: Chart, share: float = 0.8) -> Flowable:
        """Raises UnknownShapeError where it has a shape that paper has not."""
        return on_paper(chart, self.width * share, self.font, self.font_name)


def image(pixels: Pixels, width: float, height: float) -> Image:
    """A picture without metadata that fits into so many points."""
    rows, columns = pixels.shape[:2]
    scale = min(width / columns, height / rows)
    return Image(io.BytesIO(encode_png(pixels)), columns * scale, rows * scale)


def texts_of(tables: Mapping[str, Table]) -> Iterator[str]:
    """All that stands in tables, for the choice of a font."""
    for name, table in tables.items():
        yield name
        yield from table.columns
        yield from (cell(value) for row in table.rows for value in row)


@cache
def _registered(path: str) -> str:
    name = f"deepmed-{Path(path).stem}".replace(" ", "-")
    pdfmetrics.registerFont(TTFont(name, path))
    return name
