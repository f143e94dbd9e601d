"""One HTML page that people can touch and that needs no script and no network."""

import base64
from dataclasses import dataclass

from deepmed.features.drawings.exports.content import ExportContent, Pixels, note_line
from deepmed.features.drawings.report.rendering import template
from deepmed.kit.pictures import encode_png

OPACITIES = (30, 60, 100)
ZOOMS = (50, 100, 200, 400)


@dataclass(frozen=True)
class Spot:
    """A region on the picture, numbered from 1."""

    number: int
    left: int
    top: int
    width: int
    height: int
    glance: str
    text: str
    notes: list[str]


def write(content: ExportContent) -> bytes:
    """The page; every text in it is escaped (S-27)."""
    rows, columns = content.explanation.image.shape[:2]
    return (
        template("deepmed.features.drawings", "exports")
        .render(
            content=content,
            width=columns,
            height=rows,
            picture=_uri(content.picture),
            overlay=None if content.overlay is None else _uri(content.overlay),
            spots=_spots(content),
            notes=[note_line(one) for one in content.annotations],
            comparisons=[
                (_uri(one.picture), f"{one.name}, similarity {one.similarity:.2f}")
                for one in content.comparisons
            ],
            opacities=OPACITIES,
            zooms=ZOOMS,
        )
        .encode()
    )


def _spots(content: ExportContent) -> list[Spot]:
    found = []
    for number, region in enumerate(content.regions, 1):
        left, top, right, bottom = region.bounding_box
        mine = [one for one in content.annotations if one["region_id"] == region.region_id]
        found.append(
            Spot(
                number,
                left,
                top,
                right - left,
                bottom - top,
                region.hover_explanation,
                region.click_explanation,
                [note_line(one) for one in mine],
            )
        )
    return found


def _uri(pixels: Pixels) -> str:
    return "data:image/png;base64," + base64.b64encode(encode_png(pixels)).decode()
