import re

import pytest

from deepmed.features.drawings.pages.charts import Losses, age_bars, loss_curves


@pytest.mark.req("U-10.1")
def test_a_bar_a_year_counts_its_drawings() -> None:
    chart = age_bars({3.0: 2, 3.9: 1, 5.5: 4})
    assert chart.rows == [["3 to under 4", 3], ["5 to under 6", 4]]
    heights = [float(each) for each in re.findall(r'<rect [^>]*height="([\d.]+)"', chart.svg)]
    assert heights[0] / heights[1] == pytest.approx(3 / 4)


@pytest.mark.req("U-10.1")
def test_losses_are_drawn_where_there_are_some() -> None:
    chart = loss_curves(Losses("t", [(1, 2.0, None), (2, 1.0, None)], 10))
    assert chart.svg.count("<polyline") == 1
    assert chart.rows == [[1, 2.0, None], [2, 1.0, None]]
