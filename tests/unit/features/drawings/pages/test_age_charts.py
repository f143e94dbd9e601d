import re

import pytest

from deepmed.features.drawings.pages.age_charts import AgeStep, Drawn, by_age, what_if
from deepmed.features.drawings.pages.cohort_chart import ranked

STEPS = [
    AgeStep("3 to under 6 years", 3, 6, 0.8, 20, None),
    AgeStep("6 to under 9 years", 6, 9, 0.4, 31, None),
    AgeStep("9 to 12 years", 9, 12, None, 5, "this model was fitted on the child"),
]


@pytest.mark.req("D-16.2")
@pytest.mark.req("U-10.1")
def test_a_step_is_as_high_as_its_p_and_says_how_many_stand_behind_it() -> None:
    chart = what_if(STEPS, 7.0)
    heights = [float(each) for each in re.findall(r'<rect [^>]*height="([\d.]+)"', chart.svg)]
    assert len(heights) == 2
    assert heights[0] / heights[1] == pytest.approx(2, rel=1e-3)
    assert "0.80 (n 20)" in chart.svg
    assert "0.40 (n 31)" in chart.svg
    assert chart.rows[2] == ["9 to 12 years", None, 5, "this model was fitted on the child"]


@pytest.mark.req("D-16.2")
def test_the_line_of_the_childs_age_lies_in_its_own_group() -> None:
    svg = what_if(STEPS, 7.5).svg
    spans = [
        (float(x), float(w)) for x, w in re.findall(r'<rect x="([\d.]+)".*?width="([\d.]+)"', svg)
    ]
    [age] = map(float, re.findall(r'<line x1="([\d.]+)"[^>]*stroke="#a4481f"', svg))
    start, width = spans[1]
    assert age == pytest.approx(start + width / 2, abs=1.5)


@pytest.mark.req("U-10.1")
def test_a_dot_for_each_rank_and_a_row_for_each_drawing() -> None:
    drawings = [
        Drawn(4, 5.0, 40.0, "not unusual in this group", flagged=False),
        Drawn(7, 6.5, None, "not analysed", flagged=False),
        Drawn(9, 8.0, 96.0, "unusual in this group", flagged=True),
    ]
    chart = by_age(drawings, 95.0)
    assert chart.svg.count("<circle") == 2
    assert "flagged from here" in chart.svg
    assert "flagged from here" not in by_age(drawings, None).svg
    assert [row[1] for row in chart.rows] == [4, 7, 9]


@pytest.mark.req("D-10.5")
def test_the_line_of_the_level_ends_at_the_level() -> None:
    chart = ranked([0.5, 0.01], 0.1)
    assert chart.rows == [[1, 0.01, 0.05], [2, 0.5, 0.1]]
    assert chart.svg.count("<circle") == 2
