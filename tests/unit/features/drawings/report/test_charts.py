import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest

from deepmed.features.drawings.report.charts import histogram, intervals, steps, strip
from deepmed.web.charts import Chart
from deepmed.web.svg import Axis

HOSTILE = "<script>alert(1)</script> \"&'"
FIGURES = [("found", 0.8, 0.7, 0.9, 24), (HOSTILE, None, None, None, None)]
BAND = [(0.1, 0.0, 0.9), (1.0, 1.0, 1.0)]
MAKERS: dict[str, Callable[[str], Chart]] = {
    "histogram": lambda text: histogram(text, [1.0, 2.0, 2.0], [(text, 1.5)], label=text),
    "strip": lambda text: strip(text, [1.0, 2.0], 3.0, 2.5),
    "intervals": lambda text: intervals(text, FIGURES, label=text),
    "steps": lambda text: steps(text, [0.1, 0.5], BAND, label=text, vertical=text),
}


def texts(chart: Chart) -> list[str]:
    return [element.text or "" for element in tags(chart, "text")]


def tags(chart: Chart, name: str) -> list[Element]:
    root = fromstring(str(chart.svg))  # noqa: S314 - made by the function under test
    return [element for element in root.iter() if element.tag.endswith(f"}}{name}")]


@pytest.mark.req("S-27.1")
@pytest.mark.parametrize("name", MAKERS)
def test_every_text_of_a_chart_is_escaped(name: str) -> None:
    chart = MAKERS[name](HOSTILE)
    root = fromstring(str(chart.svg))  # noqa: S314 - likewise
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "text",
        "line",
        "rect",
        "circle",
        "polyline",
    }
    assert root.attrib["aria-label"] == HOSTILE
    assert "<script" not in str(chart.svg)


@pytest.mark.parametrize("name", MAKERS)
def test_every_chart_stays_within_its_frame(name: str) -> None:
    chart = MAKERS[name]("title")
    root = fromstring(str(chart.svg))  # noqa: S314 - likewise
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for element in root.iter():
        for key in ("x", "x1", "x2", "cx"):
            assert 0 <= float(element.attrib.get(key, 0)) <= width
        for key in ("y", "y1", "y2", "cy"):
            assert 0 <= float(element.attrib.get(key, 0)) <= height


def test_a_histogram_counts_as_numpy_does() -> None:
    values = np.random.default_rng(0).normal(size=60).tolist()
    chart = histogram("scores", values, [("threshold", 1.0)], label="score")
    counts, edges = np.histogram(values, bins=15)
    assert chart.columns == ["from", "to", "drawings"]
    assert [row[2] for row in chart.rows[:-1]] == counts.tolist()
    assert [row[0] for row in chart.rows[:-1]] == edges[:-1].tolist()
    assert chart.rows[-1] == ["threshold", 1.0, None]
    heights = [float(bar.attrib["height"]) for bar in tags(chart, "rect")]
    assert np.allclose(np.array(heights) / max(heights), counts / counts.max(), atol=1e-3)


def test_a_strip_puts_each_score_in_its_place() -> None:
    chart = strip("scores", [0.0, 5.0], 10.0, 7.5)
    (dot,) = tags(chart, "circle")
    lines = [float(line.attrib["x1"]) for line in tags(chart, "line")]
    assert lines == [10.0, 180.0, 265.0]
    assert float(dot.attrib["cx"]) == 350.0
    assert chart.rows == [
        ["this drawing", 10.0],
        ["threshold", 7.5],
        ["another child", 0.0],
        ["another child", 5.0],
    ]
    assert "flagged from here" in texts(chart)
    assert "flagged from here" not in texts(strip("scores", [0.0], 1.0, None))


def test_a_figure_that_is_missing_says_so() -> None:
    chart = intervals("found", FIGURES, label="AUROC")
    assert "not measured" in texts(chart)
    assert "0.80" in texts(chart)
    assert len(tags(chart, "circle")) == 1
    assert chart.columns == ["row", "estimate", "low", "high", "children"]
    assert chart.rows == [list(row) for row in FIGURES]


def test_steps_rise_by_each_value() -> None:
    chart = steps("ranks", [0.5, 0.25, 1.0, 0.25], label="p", vertical="share")
    assert chart.rows == [[0.25, 0.5], [0.5, 0.75], [1.0, 1.0]]
    (line,) = tags(chart, "polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert points == sorted(points, key=lambda point: (point[0], -point[1]))


def test_a_rank_that_many_drawings_have_is_one_stair() -> None:
    chart = steps("ranks", [0.25] * 6000 + [0.5] * 2000, label="p", vertical="share")
    assert chart.rows == [[0.25, 0.75], [0.5, 1.0]]


def test_a_band_is_drawn_from_level_to_level_and_told_beside_each_value() -> None:
    band = [(0.25, 0.0, 0.5), (0.5, 0.2, 0.8), (1.0, 1.0, 1.0)]
    chart = steps("ranks", [0.25, 0.5, 1.0], band, label="p", vertical="share")
    assert chart.columns == ["p", "share", "band from", "band to"]
    assert [row[2:] for row in chart.rows] == [[0.0, 0.5], [0.2, 0.8], [1.0, 1.0]]
    first, second = tags(chart, "rect")
    start, end = (float(first.attrib[name]) for name in ("x", "width"))
    assert float(second.attrib["x"]) == pytest.approx(start + end)
    assert float(second.attrib["width"]) == pytest.approx(2 * end)
    heights = [float(one.attrib["height"]) for one in (first, second)]
    assert heights[1] / heights[0] == pytest.approx(0.6 / 0.5, rel=1e-3)
    assert not tags(steps("ranks", [0.5], label="p", vertical="share"), "rect")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.25, 0.5, 0.75, 1]),
        (0.0, 13.0, [0, 5, 10]),
        (410.4, 2762.0, [1000, 2000]),
        (0.285, 1.26, [0.5, 0.75, 1, 1.25]),
        (-0.004, 0.003, [-0.004, -0.002, 0, 0.002]),
        (3.0, 3.0, [3.0]),
    ],
)
def test_an_axis_is_labelled_with_round_numbers(
    low: float, high: float, ticks: list[float]
) -> None:
    assert Axis(low, high, 0, 100).ticks() == pytest.approx(ticks)


def test_equal_values_have_a_place_too() -> None:
    assert strip("scores", [2.0, 2.0], 2.0, 2.0)
    assert re.search(r"<rect", str(histogram("scores", [2.0], label="score").svg))
