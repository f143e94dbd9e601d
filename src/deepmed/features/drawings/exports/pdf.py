"""A report of one drawing for paper, written with reportlab."""

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, legal, letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from deepmed.features.drawings.exports.content import ExportContent, Pixels, note_line
from deepmed.features.drawings.exports.fonts import Font, font_for
from deepmed.features.drawings.report.rendering import cell
from deepmed.kit.pictures import encode_png
from deepmed.web.charts import Table

PAGES = {"A4": A4, "Letter": letter, "Legal": legal}
MARGIN = 18 * mm
GAP = 4 * mm
INK, QUIET, LINE = map(colors.HexColor, ("#25303b", "#566473", "#dfe5eb"))


def write(content: ExportContent) -> tuple[bytes, list[str]]:
    """The PDF, and what its font could not show."""
    font = font_for(_all_texts(content))
    page = PAGES[content.wanted.options.page_size]
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=page,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=font.shown(content.title),
        author="DeepMed",
        subject="An explained drawing",
        creator="DeepMed",
    )
    layout = _Layout(font, page[0] - 2 * MARGIN - 12)  # a frame pads its content by six points
    document.build(list(layout.story(content)))
    return buffer.getvalue(), font.notes


@cache
def _registered(path: str) -> str:
    name = f"deepmed-{Path(path).stem}".replace(" ", "-")
    pdfmetrics.registerFont(TTFont(name, path))
    return name


def _all_texts(content: ExportContent) -> Iterator[str]:
    yield from (content.title, content.chip, content.caption, content.footer)
    yield from (f"{name}{cell(value)}" for name, value in (*content.facts, *content.results))
    yield from (*content.sentences, *content.limits)
    yield from (one.name for one in content.comparisons)
    yield from map(note_line, content.annotations)
    for name, table in content.tables:
        yield name
        yield from table.columns
        yield from (cell(value) for row in table.rows for value in row)


class _Layout:
    """Turns content into what reportlab places on pages."""

    def __init__(self, font: Font, width: float) -> None:
        self.font, self.width = font, width
        name = _registered(font.path)
        self.styles = {
            kind: ParagraphStyle(
                kind,
                fontName=name,
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

    def story(self, content: ExportContent) -> Iterator[Flowable]:
        yield self.text(content.title, "title")
        yield from self.lines(content.results)
        yield Spacer(1, GAP)
        yield self.pictures([content.picture, content.overlay], content.caption)
        yield self.text("What it says", "heading")
        yield from (self.text(sentence) for sentence in content.sentences)
        yield from self.section("The drawing", list(self.lines(content.facts)))
        yield from self.comparisons(content)
        notes = [self.text(note_line(one)) for one in content.annotations]
        yield from self.section("Noted by people", notes)
        for name, table in content.tables:
            yield from self.section(name, [self.table(table)])
        yield from self.section(
            "Limits", [self.text(one, "quiet") for one in (*content.limits, content.footer)]
        )

    def section(self, name: str, body: list[Flowable]) -> Iterator[Flowable]:
        if body:
            yield Spacer(1, GAP)
            yield KeepTogether([self.text(name, "heading"), body[0]])
            yield from body[1:]

    def text(self, words: str, kind: str = "text") -> Paragraph:
        safe = escape(self.font.shown(words)).replace("\n", "<br/>")
        return Paragraph(safe, self.styles[kind])

    def lines(self, pairs: Any) -> Iterator[Flowable]:
        for name, value in pairs:
            yield self.text(f"{name}: {cell(value)}")

    def pictures(self, pictures: list[Pixels | None], caption: str) -> Flowable:
        shown = [one for one in pictures if one is not None]
        width = (self.width - GAP * len(shown)) / 2
        row = PdfTable([[_image(one, width, 90 * mm) for one in shown]], hAlign="LEFT")
        return KeepTogether([row, self.text(caption, "quiet")])

    def comparisons(self, content: ExportContent) -> Iterator[Flowable]:
        if not content.comparisons:
            return
        width = self.width / 3 - GAP
        names = [f"{one.name}, similarity {one.similarity:.2f}" for one in content.comparisons]
        cells = [
            [_image(one.picture, width, 40 * mm) for one in content.comparisons],
            [self.text(name, "cell") for name in names],
        ]
        columns = [self.width / 3] * len(names)
        table = PdfTable(cells, hAlign="LEFT", colWidths=columns)
        yield from self.section("Typical drawings most like it", [table])

    def table(self, table: Table) -> Flowable:
        rows: list[list[object]] = [list(table.columns), *table.rows]
        cells = [[self.text(cell(value), "cell") for value in row] for row in rows]
        columns = [self.width / len(table.columns)] * len(table.columns)
        style = [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ]
        return PdfTable(cells, colWidths=columns, style=style, repeatRows=1, hAlign="LEFT")


def _image(pixels: Pixels, width: float, height: float) -> Image:
    """A picture without metadata that fits into so many points."""
    rows, columns = pixels.shape[:2]
    scale = min(width / columns, height / rows)
    return Image(io.BytesIO(encode_png(pixels)), columns * scale, rows * scale)
