"""Our own charts on paper: the few SVG shapes that they are made of, as reportlab's."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect, Shape, String
from reportlab.lib import colors

from deepmed.kit.errors import DeepMedError
from deepmed.web.charts import Chart
from deepmed.web.paper.fonts import Font

_SIZE = 9
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML has no way to write; a browser passes over them."""


class UnknownShapeError(DeepMedError):
    """A chart cannot be drawn on paper; nothing was written."""

    code = "unknown_shape"


def on_paper(chart: Chart, width: float, font: Font, font_name: str) -> Drawing:
    """The chart, `width` points wide.

    Raises:
        UnknownShapeError: the chart has a shape that is not known here.
    """
    root = ET.fromstring(_NO_XML.sub("", str(chart.svg)))  # noqa: S314 - our own pencil wrote it
    _, _, across, up = (float(each) for each in root.attrib["viewBox"].split())
    drawing = Drawing(across, up)
    for shape in root:
        for made in _shapes(shape, up, font, font_name):
            drawing.add(made)
    scale = width / across
    drawing.scale(scale, scale)
    drawing.width, drawing.height = width, up * scale
    return drawing


def _shapes(shape: ET.Element, up: float, font: Font, font_name: str) -> Iterator[Shape]:
    """SVG counts downwards from the top, paper upwards from the bottom."""
    given = shape.attrib
    match shape.tag.removeprefix(_NAMESPACE):
        case "line":
            x1, y1, x2, y2 = (float(given[name]) for name in ("x1", "y1", "x2", "y2"))
            yield Line(x1, up - y1, x2, up - y2, **_stroke(given))
        case "rect":
            x, y, width, height = (float(given[name]) for name in ("x", "y", "width", "height"))
            fill = colors.HexColor(given["fill"])
            fill.alpha = float(given.get("fill-opacity", 1))
            yield Rect(x, up - y - height, width, height, fillColor=fill, strokeColor=None)
        case "polyline":
            pairs = [pair.split(",") for pair in given["points"].split()]
            points = [value for x, y in pairs for value in (float(x), up - float(y))]
            yield PolyLine(points, **_stroke(given))
        case "circle":
            fill = colors.HexColor(given["fill"])
            yield Circle(
                float(given["cx"]),
                up - float(given["cy"]),
                float(given["r"]),
                fillColor=fill,
                strokeColor=None,
            )
        case "text":
            yield String(
                float(given["x"]),
                up - float(given["y"]),
                font.shown(shape.text or ""),
                textAnchor=given["text-anchor"],
                fontName=font_name,
                fontSize=_SIZE,
            )
        case other:
            raise UnknownShapeError(f"A chart has the shape {other!r}, which paper has not.")


def _stroke(given: dict[str, str]) -> dict[str, object]:
    dashes = [float(each) for each in given.get("stroke-dasharray", "").split()]
    return {
        "strokeColor": colors.HexColor(given["stroke"]),
        "strokeWidth": float(given.get("stroke-width", 1)),
        "strokeDashArray": dashes or None,
    }
