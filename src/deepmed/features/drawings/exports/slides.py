"""A few slides for people who talk about a drawing, written with python-pptx."""

import io
from collections.abc import Sequence
from typing import Any

from pptx import Presentation
from pptx.util import Emu, Inches, Pt

from deepmed.features.drawings.exports.content import ExportContent, Pixels, note_line
from deepmed.features.drawings.report.rendering import cell
from deepmed.kit.pictures import encode_png
from deepmed.web.charts import Table

WIDTH, HEIGHT = Inches(13.333), Inches(7.5)
LEFT, TOP = Inches(0.6), Inches(1.4)
TITLE_ONLY = 5
LINES, ROWS = 9, 12
"""Paragraphs, and rows of a table, that fit on one slide."""


def write(content: ExportContent) -> bytes:
    """The presentation; what does not fit on a slide goes on the next."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = WIDTH, HEIGHT
    _describe(deck, content)
    _picture_slide(deck, content)
    _text_slides(deck, "What it says", content.sentences)
    _comparison_slide(deck, content)
    _text_slides(deck, "Noted by people", [note_line(one) for one in content.annotations])
    for name, table in content.tables:
        _table_slides(deck, name, table)
    facts = [f"{name}: {cell(value)}" for name, value in content.facts]
    _text_slides(deck, "The drawing", facts)
    _text_slides(deck, "Limits", [*content.limits, content.footer])
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def _describe(deck: Any, content: ExportContent) -> None:
    """The template that the library brings names its own author and moment."""
    about = deck.core_properties
    about.author = about.last_modified_by = "DeepMed"
    about.title, about.subject = content.title, "An explained drawing"
    about.created = about.modified = content.made.replace(tzinfo=None)


def _slide(deck: Any, title: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    head = slide.shapes.title
    head.left, head.top, head.width, head.height = LEFT, Inches(0.3), WIDTH - 2 * LEFT, Inches(0.9)
    head.text_frame.text = title
    head.text_frame.paragraphs[0].font.size = Pt(30)
    return slide


def _paragraphs(slide: Any, texts: Sequence[str], left: Any, width: Any, size: int = 18) -> None:
    frame = slide.shapes.add_textbox(left, TOP, width, HEIGHT - TOP - LEFT).text_frame
    frame.word_wrap = True
    for number, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = text
        paragraph.font.size, paragraph.space_after = Pt(size), Pt(8)


def _picture_slide(deck: Any, content: ExportContent) -> None:
    slide = _slide(deck, f"{content.title}: {content.chip}")
    shown = [one for one in (content.picture, content.overlay) if one is not None]
    for number, pixels in enumerate(shown):
        _place(slide, pixels, LEFT + number * Inches(4.2), Inches(4), Inches(4.8))
    results = [f"{name}: {cell(value)}" for name, value in content.results]
    left = LEFT + len(shown) * Inches(4.2)
    _paragraphs(slide, [*results, content.caption], left, WIDTH - left - LEFT, 14)


def _place(slide: Any, pixels: Pixels, left: Any, width: Any, height: Any) -> None:
    rows, columns = pixels.shape[:2]
    scale = min(width / columns, height / rows)
    size = Emu(int(columns * scale)), Emu(int(rows * scale))
    slide.shapes.add_picture(io.BytesIO(encode_png(pixels)), left, TOP, *size)


def _text_slides(deck: Any, title: str, texts: Sequence[str]) -> None:
    for start in range(0, len(texts), LINES):
        slide = _slide(deck, title if start == 0 else f"{title} (continued)")
        _paragraphs(slide, texts[start : start + LINES], LEFT, WIDTH - 2 * LEFT)


def _comparison_slide(deck: Any, content: ExportContent) -> None:
    if not content.comparisons:
        return
    slide = _slide(deck, "Typical drawings most like it")
    for number, one in enumerate(content.comparisons):
        left = LEFT + number * Inches(4.1)
        _place(slide, one.picture, left, Inches(3.8), Inches(3.8))
        words = slide.shapes.add_textbox(left, Inches(5.4), Inches(3.8), Inches(1)).text_frame
        words.word_wrap = True
        words.text = f"{one.name}, similarity {one.similarity:.2f}"
        words.paragraphs[0].font.size = Pt(14)


def _table_slides(deck: Any, title: str, table: Table) -> None:
    for start in range(0, len(table.rows), ROWS):
        slide = _slide(deck, title if start == 0 else f"{title} (continued)")
        rows: list[list[object]] = [list(table.columns), *table.rows[start : start + ROWS]]
        size = WIDTH - 2 * LEFT, Inches(0.4) * len(rows)
        grid = slide.shapes.add_table(len(rows), len(table.columns), LEFT, TOP, *size).table
        for down, row in enumerate(rows):
            for across, value in enumerate(row):
                grid.cell(down, across).text = cell(value)
                grid.cell(down, across).text_frame.paragraphs[0].font.size = Pt(12)
