"""Charts on paper, whatever stands in their words."""

from reportlab.graphics.shapes import String

from deepmed.web import svg
from deepmed.web.charts import Chart
from deepmed.web.paper.fonts import OWN, Font
from deepmed.web.paper.shapes import on_paper


def test_words_with_characters_that_xml_has_not_are_drawn_without_them() -> None:
    written = svg.drawn("t", [svg.text(1, 2, "a\x00b\x1bc\uffffd\ud800", "start")])
    drawing = on_paper(Chart("t", written, [], []), 10, Font(OWN), "Helvetica")
    assert [one.text for one in drawing.contents if isinstance(one, String)] == ["abcd"]
