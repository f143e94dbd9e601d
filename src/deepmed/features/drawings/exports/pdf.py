"""A report of one drawing for paper, written with reportlab."""

from collections.abc import Iterator

from reportlab.lib.pagesizes import A4, legal, letter
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer
from reportlab.platypus import Table as PdfTable

from deepmed.features.drawings.exports.content import ExportContent, Pixels, note_line
from deepmed.web.formats import cell
from deepmed.web.paper.fonts import font_for
from deepmed.web.paper.layout import GAP, Paper, image, texts_of

PAGES = {"A4": A4, "Letter": letter, "Legal": legal}


def write(content: ExportContent) -> tuple[bytes, list[str]]:
    """The PDF, and what its font could not show."""
    font = font_for(_all_texts(content))
    layout = _Layout(font, PAGES[content.wanted.options.page_size])
    made = layout.document(content.title, "An explained drawing", layout.story(content))
    return made, font.notes


def _all_texts(content: ExportContent) -> Iterator[str]:
    yield from (content.title, content.chip, content.caption, content.footer)
    yield from (f"{name}{cell(value)}" for name, value in (*content.facts, *content.results))
    yield from (*content.sentences, *content.limits)
    yield from (one.name for one in content.comparisons)
    yield from map(note_line, content.annotations)
    yield from texts_of(dict(content.tables))


class _Layout(Paper):
    """Turns content into what reportlab places on pages."""

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

    def pictures(self, pictures: list[Pixels | None], caption: str) -> Flowable:
        shown = [one for one in pictures if one is not None]
        width = (self.width - GAP * len(shown)) / 2
        row = PdfTable([[image(one, width, 90 * mm) for one in shown]], hAlign="LEFT")
        return KeepTogether([row, self.text(caption, "quiet")])

    def comparisons(self, content: ExportContent) -> Iterator[Flowable]:
        if not content.comparisons:
            return
        width = self.width / 3 - GAP
        names = [f"{one.name}, similarity {one.similarity:.2f}" for one in content.comparisons]
        cells = [
            [image(one.picture, width, 40 * mm) for one in content.comparisons],
            [self.text(name, "cell") for name in names],
        ]
        columns = [self.width / 3] * len(names)
        table = PdfTable(cells, hAlign="LEFT", colWidths=columns)
        yield from self.section("Typical drawings most like it", [table])
