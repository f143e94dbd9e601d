"""The report for paper, with the charts of the page."""

import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from deepmed.features.drawings.exports.fonts import Font, font_for
from deepmed.features.drawings.report.rendering import cell
from deepmed.features.drawings.training.reports.charts import charts
from deepmed.features.drawings.training.reports.content import MEANING, METHOD, figures, tables
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.features.drawings.training.reports.shapes import on_paper
from deepmed.web.charts import Table

MARGIN = 18 * mm
INK, LINE = map(colors.HexColor, ("#25303b", "#dfe5eb"))
_SIZES = {"title": 17.0, "heading": 12.5, "text": 10.0, "cell": 8.5}
_FONT = "deepmed-training-report"


def render(document: TrainingReportDocument) -> bytes:
    """A PDF of A4 pages."""
    font = font_for(_texts(document))
    pdfmetrics.registerFont(TTFont(_FONT, font.path))
    title = font.shown(f"Training report: {document.job_name}")
    buffer = io.BytesIO()
    made = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author="DeepMed",
        creator="DeepMed",
    )
    made.build(list(_Paper(font, A4[0] - 2 * MARGIN - 12).story(title, document)))
    return buffer.getvalue()


def _texts(document: TrainingReportDocument) -> Iterator[str]:
    """Whatever a person's words can be in, and all of ours."""
    yield from (document.job_name, MEANING, METHOD, *document.notes, *document.advice)
    yield from (cell(value) for _, table in tables(document) for row in table.rows for value in row)
    yield from (f"{one.name}{one.meaning}{cell(one.value)}" for one in figures(document))


class _Paper:
    def __init__(self, font: Font, width: float) -> None:
        self.font, self.width = font, width
        self.styles = {
            kind: ParagraphStyle(
                kind, fontName=_FONT, fontSize=size, leading=size * 1.4, textColor=INK, spaceAfter=4
            )
            for kind, size in _SIZES.items()
        }

    def story(self, title: str, document: TrainingReportDocument) -> Iterator[Flowable]:
        yield self.text(title, "title")
        yield self.text(f"Made {document.made_at:%Y-%m-%d %H:%M} UTC", "cell")
        for words in (METHOD, MEANING, *document.advice):
            yield self.text(words)
        rows: list[list[object]] = [[one.name, one.value, one.meaning] for one in figures(document)]
        yield from self.section("Figures", self.table(Table(["figure", "value", "meaning"], rows)))
        for chart in charts(document):
            drawing = on_paper(chart, self.width * 0.8, self.font, _FONT)
            yield from self.section(chart.title, drawing)
        for name, table in tables(document):
            yield from self.section(name, self.table(table))
        for note in document.notes:
            yield self.text(note)

    def section(self, name: str, body: Flowable) -> Iterator[Flowable]:
        yield Spacer(1, 4 * mm)
        yield KeepTogether([self.text(name, "heading"), body])

    def text(self, words: str, kind: str = "text") -> Paragraph:
        return Paragraph(escape(self.font.shown(words)), self.styles[kind])

    def table(self, table: Table) -> Flowable:
        rows: list[list[object]] = [list(table.columns), *table.rows]
        cells = [[self.text(cell(value), "cell") for value in row] for row in rows]
        style = [("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        widths = [self.width / len(table.columns)] * len(table.columns)
        return PdfTable(cells, colWidths=widths, style=style, repeatRows=1, hAlign="LEFT")
