"""One picture: the drawing beside its map, with a title and a few lines."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepmed.features.drawings.exports.content import ExportContent, Pixels, note_line
from deepmed.features.drawings.report.rendering import cell
from deepmed.kit.pictures import encode_png
from deepmed.web.paper.fonts import Font, font_for

MARGIN = 10
LEAST_WIDTH, LEAST_HEIGHT = 640, 400
INK, QUIET = (37, 48, 59), (86, 100, 115)
RESULTS = 4
READABLE = 800
"""Width of a page for which the sizes of letters are meant; on a wider one they grow along."""
MOST_NOTES = 20
"""A picture of more would be too long to look at."""


@dataclass(frozen=True)
class Row:
    """A line of text or a row of pictures."""

    text: str = ""
    size: int = 15
    colour: tuple[int, int, int] = INK
    pictures: tuple[Pixels, ...] = ()

    @property
    def height(self) -> int:
        if self.pictures:
            return max(len(one) for one in self.pictures) + MARGIN
        return round(self.size * 1.45)


def write(content: ExportContent) -> tuple[bytes, list[str]]:
    """The PNG, without metadata, and what it could not show."""
    said = _said(content)
    font = font_for(said)
    width = max(LEAST_WIDTH, _pictures_width(content) + 2 * MARGIN)
    rows = _rows(content, font, width, max(1.0, width / 2 / READABLE))
    height = max(LEAST_HEIGHT, sum(row.height for row in rows) + 2 * MARGIN)
    page = Image.new("RGB", (width, height), "white")
    pen, top = ImageDraw.Draw(page), MARGIN
    for row in rows:
        _draw(page, pen, row, top, font)
        top += row.height
    return encode_png(np.array(page)), font.notes


def _draw(page: Image.Image, pen: ImageDraw.ImageDraw, row: Row, top: int, font: Font) -> None:
    left = MARGIN
    for picture in row.pictures:
        page.paste(Image.fromarray(picture), (left, top))
        pen.rectangle(
            (left - 1, top - 1, left + picture.shape[1], top + picture.shape[0]), outline=QUIET
        )
        left += picture.shape[1] + 2 * MARGIN
    if row.text:
        letters = ImageFont.truetype(font.path, row.size)
        pen.text((MARGIN, top), row.text, fill=row.colour, font=letters)


def _main_pictures(content: ExportContent) -> tuple[Pixels, ...]:
    return (content.picture,) if content.overlay is None else (content.picture, content.overlay)


def _pictures_width(content: ExportContent) -> int:
    rows = [_main_pictures(content), tuple(one.picture for one in content.comparisons)]
    return max(sum(int(one.shape[1]) + 2 * MARGIN for one in pictures) for pictures in rows)


def _result_lines(content: ExportContent) -> list[str]:
    most = RESULTS if content.wanted.simplified else len(content.results)
    return [f"{name}: {cell(value)}" for name, value in content.results[:most]]


def _said(content: ExportContent) -> list[str]:
    return [
        content.title,
        content.chip,
        *_result_lines(content),
        *(f"{name}: {cell(value)}" for name, value in content.facts),
        *content.sentences,
        content.caption,
        *(f"{one.name}, similarity {one.similarity:.2f}" for one in content.comparisons),
        *_notes(content),
        content.footer,
    ]


def _notes(content: ExportContent) -> list[str]:
    """The first notes, each in one paragraph."""
    shown = [" ".join(note_line(one).split()) for one in content.annotations[:MOST_NOTES]]
    more = len(content.annotations) - len(shown)
    return [*shown, f"{more} more notes are in the other formats."] if more else shown


def _rows(content: ExportContent, font: Font, width: int, scale: float) -> list[Row]:
    def lines(texts: list[str], size: int = 15, colour: tuple[int, int, int] = INK) -> list[Row]:
        large = round(size * scale)
        return [
            Row(part, large, colour)
            for text in texts
            for part in _wrapped(font.shown(text), font, large, width - 2 * MARGIN)
        ]

    rows = lines([content.title], 22) + lines(_result_lines(content))
    rows += [Row(pictures=_main_pictures(content)), *lines([content.caption], 13, QUIET)]
    rows += lines([f"{name}: {cell(value)}" for name, value in content.facts], 13, QUIET)
    if content.wanted.simplified:
        rows += lines(list(content.sentences))
    if content.comparisons:
        names = [f"{one.name}, similarity {one.similarity:.2f}" for one in content.comparisons]
        rows += lines(["Typical drawings most like it"], 18)
        rows += [Row(pictures=tuple(one.picture for one in content.comparisons))]
        rows += lines(names, 13, QUIET)
    if content.annotations:
        rows += lines(["Noted by people"], 18) + lines(_notes(content))
    return [*rows, *lines([content.footer], 13, QUIET)]


def _wrapped(text: str, font: Font, size: int, width: int) -> list[str]:
    """The text in lines that fit, measured with its own letters; a word too long is cut."""
    letters = ImageFont.truetype(font.path, size)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and letters.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines += _cut(word, letters, width)
    return lines


def _cut(word: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and letters.getlength(parts[-1] + letter) > width:
            parts.append("")
        parts[-1] += letter
    return parts
