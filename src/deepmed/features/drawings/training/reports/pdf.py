"""The report for paper, with the charts of the page."""

from collections.abc import Iterator

from reportlab.platypus import Flowable

from deepmed.features.drawings.training.errors import VisualizationError
from deepmed.features.drawings.training.reports.charts import charts
from deepmed.features.drawings.training.reports.content import MEANING, METHOD, figures, tables
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.web.charts import Table
from deepmed.web.formats import cell
from deepmed.web.paper.fonts import font_for
from deepmed.web.paper.layout import Paper
from deepmed.web.paper.shapes import UnknownShapeError


def render(document: TrainingReportDocument) -> bytes:
    """A PDF of A4 pages.

    Raises:
        VisualizationError: a chart cannot be drawn.
    """
    title = f"Training report: {document.job_name}"
    paper = _Paper(font_for(_texts(document)))
    try:
        return paper.document(title, "A training on drawings", paper.story(title, document))
    except UnknownShapeError as error:
        raise VisualizationError(error.message) from error


def _texts(document: TrainingReportDocument) -> Iterator[str]:
    """Whatever a person's words can be in, and all of ours."""
    yield from (document.job_name, MEANING, METHOD, *document.notes, *document.advice)
    yield from (cell(value) for _, table in tables(document) for row in table.rows for value in row)
    yield from (f"{one.name}{one.meaning}{cell(one.value)}" for one in figures(document))


class _Paper(Paper):
    def story(self, title: str, document: TrainingReportDocument) -> Iterator[Flowable]:
        yield self.text(title, "title")
        yield self.text(f"Made {document.made_at:%Y-%m-%d %H:%M} UTC", "cell")
        for words in (METHOD, MEANING, *document.advice):
            yield self.text(words)
        rows: list[list[object]] = [[one.name, one.value, one.meaning] for one in figures(document)]
        yield from self.section(
            "Figures", [self.table(Table(["figure", "value", "meaning"], rows))]
        )
        for chart in charts(document):
            yield from self.section(chart.title, [self.chart(chart)])
        for name, table in tables(document):
            yield from self.section(name, [self.table(table)])
        for note in document.notes:
            yield self.text(note)
