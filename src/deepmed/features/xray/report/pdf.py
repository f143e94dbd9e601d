"""A report for paper, written with reportlab."""

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether
from reportlab.platypus import Image as PdfImage

from deepmed.features.xray.report.content import Picture, Report, Section
from deepmed.web.formats import moment
from deepmed.web.paper.fonts import font_for
from deepmed.web.paper.layout import Paper

MOST_HIGH = 95 * mm


def write(report: Report) -> bytes:
    """The PDF, on A4."""
    paper = _Paper(font_for(report.texts))
    return paper.document(report.title, report.subject, paper.story(report))


class _Paper(Paper):
    def story(self, report: Report) -> Iterator[Flowable]:
        yield self.text(report.title, "title")
        yield self.text(f"{report.subject}. Made {moment(report.made)}.", "quiet")
        yield from map(self.text, report.lead)
        for section in report.sections:
            yield from self.section(section.title, list(self.body(section)))
        yield self.text(report.footer, "quiet")

    def body(self, section: Section) -> Iterator[Flowable]:
        yield from map(self.text, section.words)
        for titled in section.tables:
            if titled.table.rows:
                yield self.text(titled.name, "quiet")
                yield self.table(titled.table, titled.parts)
        for chart in section.charts:
            yield KeepTogether([self.text(chart.title, "quiet"), self.chart(chart, 0.7)])
        yield from map(self.picture, section.pictures)

    def picture(self, picture: Picture) -> Flowable:
        with Image.open(io.BytesIO(picture.png)) as image:
            across, down = image.size
        scale = min(self.width / 2 / across, MOST_HIGH / down)
        drawn: Any = PdfImage(io.BytesIO(picture.png), across * scale, down * scale)
        return KeepTogether([drawn, self.text(picture.caption, "quiet")])
