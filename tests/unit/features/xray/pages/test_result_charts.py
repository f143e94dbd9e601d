"""Charts say nothing that their rows do not: places in pixels follow from values."""

import re

import pytest

from deepmed.features.xray.pages.result_charts import (
    Bar,
    Bin,
    Curve,
    Plane,
    by_round,
    calibration,
    confusion,
    differences,
    intervals,
    scale,
)
from deepmed.features.xray.pages.result_charts.curves import LOOKS


def dots(svg: str) -> list[float]:
    """Where dots stand across."""
    return [float(x) for x in re.findall(r'<circle cx="([^"]+)"', svg)]


def test_what_cannot_be_had_is_written_and_not_drawn() -> None:
    chart = intervals(
        "t", [Bar("a", 0.5, 0.25, 1.0, 9, 10), Bar("b", None, None, None, None, None)], label="l"
    )
    assert len(dots(chart.svg)) == 1
    assert "cannot be had" in chart.svg
    assert chart.rows[1] == ["b", None, None, None, None, None]


def test_no_difference_stands_in_the_middle() -> None:
    chart = differences("t", [Bar("a", 0.0, -0.2, 0.1, 9, 9), Bar("b", -0.1, None, None, 9, 9)])
    zero, below = dots(chart.svg)
    still = re.search(r'<line x1="([^"]+)"[^>]*stroke-dasharray', chart.svg)
    assert still is not None
    assert float(still[1]) == zero
    assert below < zero
    assert "+0.000" in chart.svg
    assert "-0.100" in chart.svg


def test_a_bin_without_images_has_no_dot_and_more_images_a_larger_one() -> None:
    bins = [Bin(0, 0.5, 4, 0.2, 0.25), Bin(0.5, 0.6, 0, None, None), Bin(0.6, 1, 16, 0.8, 0.75)]
    chart = calibration("t", bins, 0.65)
    few, many = (float(r) for r in re.findall(r' r="([^"]+)"', chart.svg))
    assert few < many
    assert [row[2] for row in chart.rows] == [4, 0, 16]


def test_a_decision_matrix_of_many_classes_stays_within_its_picture() -> None:
    names = [f"a rather long name {number}" for number in range(12)]
    chart = confusion("<t>", names, [[number] * 12 for number in range(12)])
    width, height = (
        float(each) for each in chart.svg.split('viewBox="0 0 ')[1].split('"')[0].split()
    )
    for x, y, wide, tall in re.findall(
        r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', chart.svg
    ):
        assert float(x) + float(wide) <= width
        assert float(y) + float(tall) <= height
    assert "<t>" not in chart.svg
    assert chart.rows[3] == [names[3], *[3] * 12, 36]


def test_the_band_without_answers_lies_around_the_threshold() -> None:
    chart = scale("t", 0.5, 0.4, (0.3, 0.6), ("no", "yes"))
    band = re.search(r'<rect x="(\S+)" y="\S+" width="(\S+)"', chart.svg)
    line = re.search(r'<line x1="(\S+)"[^>]*stroke-dasharray', chart.svg)
    assert band is not None
    assert line is not None
    (dot,) = dots(chart.svg)
    assert float(band[1]) < float(line[1]) < dot < float(band[1]) + float(band[2])
    assert chart.rows[2:] == [["no answer from", 0.3], ["no answer to", 0.6]]


def test_curves_differ_in_more_than_their_colour() -> None:
    assert len(set(LOOKS)) == len(LOOKS) == 8
    curves = [Curve(f"run {number}", [(0, 0), (1, 1)]) for number in range(8)]
    chart = Plane("t", "x", "y", diagonal=True).drawn(curves, ["x"], [])
    assert all(f">run {number}<" in chart.svg for number in range(8))


def test_losses_may_be_above_one() -> None:
    chart = by_round("t", [Curve("loss", [(0, 3.0), (1, 1.5)])], ["r"], [[0]], shares=False)
    heights = [float(y) for y in re.findall(r'<circle cx="\S+" cy="([^"]+)"', chart.svg)]
    bottom = 180
    assert (bottom - heights[0]) == pytest.approx(2 * (bottom - heights[1]))
