"""A font for the formats that draw their own letters: one that has them, where there is one."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import reportlab
from PIL import ImageFont
from reportlab.pdfbase.ttfonts import TTFont

OWN = "Vera.ttf"
"""Comes with the writer of PDF, so every machine has it; it knows western letters."""
OTHERS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "arial.ttf",
)
STAND_IN = "?"
CONTROL = "\n\t "


@dataclass(frozen=True)
class Font:
    """A font file, and the letters of a text that it lacks."""

    path: str
    missing: frozenset[str] = frozenset()

    def shown(self, text: str) -> str:
        """The text as this font can show it."""
        return "".join(STAND_IN if letter in self.missing else letter for letter in text)

    @property
    def notes(self) -> list[str]:
        if not self.missing:
            return []
        return [
            f"Letters that no font here has ({len(self.missing)}) stand as {STAND_IN!r} in this "
            "file; HTML, PPTX, CSV and JSON have them."
        ]


def font_for(texts: Iterable[str]) -> Font:
    """The first font that has all letters of these texts, else the one that lacks the fewest."""
    letters = {letter for text in texts for letter in text} - set(CONTROL)
    best: Font | None = None
    for path in _known():
        found = Font(path, frozenset(letters - _letters(path)))
        if best is None or len(found.missing) < len(best.missing):
            best = found
        if not best.missing:
            break
    return best or Font(OWN)


@cache
def _known() -> tuple[str, ...]:
    own = Path(reportlab.__file__).parent / "fonts" / OWN
    return (str(own), *filter(None, map(_installed, OTHERS)))


def _installed(name: str) -> str | None:
    try:
        return str(ImageFont.truetype(name).path)
    except OSError:
        return None


@cache
def _letters(path: str) -> frozenset[str]:
    return frozenset(map(chr, TTFont("deepmed", path).face.charToGlyph))
