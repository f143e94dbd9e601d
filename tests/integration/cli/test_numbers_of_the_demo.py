"""Each number of the demo, counted again from its own counts."""

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from factories.page import Page

PERCENTILE = 95.0


@pytest.fixture(params=range(3))
def group(demo_answer: Any, request: pytest.FixtureRequest) -> Any:
    return demo_answer["groups"][request.param]


def wilson(count: int, of: int) -> Any:
    interval = stats.binomtest(count, of).proportion_ci(method="wilson")
    return pytest.approx((count / of, interval.low, interval.high))


def bounds(figure: dict[str, Any]) -> tuple[float, float, float]:
    return figure["estimate"], figure["low"], figure["high"]


def test_shares_are_of_the_counts_beside_them(group: Any) -> None:
    assert group["typical_drawings"] == 9
    assert group["planted_drawings"] == 11
    assert bounds(group["false_alarm_rate"]) == wilson(group["false_alarms"], 9)
    assert bounds(group["planted_share"]) == wilson(group["planted_flagged"], 11)


def test_kinds_add_up_to_all_planted_drawings(group: Any) -> None:
    flagged, planted = zip(*group["flagged_by_kind"].values(), strict=True)
    assert sum(flagged) == group["planted_flagged"]
    assert sum(planted) == group["planted_drawings"]


def test_the_spread_to_expect_is_that_of_a_random_calibration(group: Any) -> None:
    n = group["children"]["calibration"]
    k = int((n + 1) * (100 - PERCENTILE) / 100 + 1e-9)
    expected = stats.betabinom(9, k, n + 1 - k)
    figure = group["false_alarm_spread"]
    assert figure["estimate"] == pytest.approx(k / (n + 1))
    assert figure["low"] == expected.ppf(0.025) / 9
    assert figure["high"] == expected.ppf(0.975) / 9


def test_nobody_is_counted_on_both_sides(group: Any) -> None:
    """Typical and planted drawings are by different children, all of them strangers."""
    figure = group["auroc"]
    assert figure["sample_size"] == figure["n_items"] == 9 + 11
    assert (figure["n_negative"], figure["n_positive"]) == (9, 11)


def test_stages_are_timed(demo_answer: Any) -> None:
    assert set(demo_answer["seconds"]) == {
        "make samples",
        "import",
        "embed",
        "train",
        "analyse",
        "measure on unseen drawings",
        "explain and report",
    }
    assert all(seconds >= 0 for seconds in demo_answer["seconds"].values())


def test_flagged_drawings_of_the_demo_are_counted(demo_answer: Any) -> None:
    """Planted ones are imported too, and new to every model, so they are among the flagged."""
    planted = sum(group["planted_flagged"] for group in demo_answer["groups"])
    assert planted <= demo_answer["flagged"] <= 95 + 33


@pytest.mark.req("D-26.4")
def test_the_demos_report_shows_no_rate_of_its_planted_drawings(demo_answer: Any) -> None:
    """Nobody new is typical there but the drawings that are not stored."""
    page = Page(Path(demo_answer["report"]).read_text(encoding="utf-8"))
    for shown, group in zip(page.figures, demo_answer["groups"], strict=True):
        assert shown["Typical drawings of new children flagged"] == "none here"
        further = f"{group['false_alarms']} of 9 drawings: "
        assert shown["Further typical drawings flagged"].startswith(further)
        found = f"{group['planted_flagged']} of 11 drawings: "
        assert shown["Drawings labelled concern flagged"].startswith(found)
