"""Where the quoted level is the share of typical drawings flagged, and where only its bound."""

import numpy as np
import pytest

from deepmed.features.drawings.explanation.levels import why_only_a_bound
from deepmed.learning.calibration import CalibrationSet

REPEATS = 4000
CHILDREN = 19


@pytest.mark.req("D-9.6")
@pytest.mark.parametrize(
    ("scores", "children", "reason"),
    [
        ([1.0, 2.0, 3.0], ["a", "b", "c"], None),
        ([1.0, 2.0, 3.0], ["a", "b", "b"], "2 children made 3 drawings"),
        ([1.0, 2.0, 2.0], ["a", "b", "c"], "some of their scores are equal"),
        ([], [], None),
    ],
)
def test_the_level_is_exact_with_one_drawing_a_child_and_no_ties(
    scores: list[float], children: list[str], reason: str | None
) -> None:
    assert why_only_a_bound(CalibrationSet(scores, children)) == reason


def test_a_childs_own_drawings_do_not_count_in_its_ranking() -> None:
    calibration = CalibrationSet([1.0, 2.0, 3.0, 4.0], ["a", "b", "b", "c"])
    assert why_only_a_bound(calibration, "a") == "2 children made 3 drawings"
    assert why_only_a_bound(calibration, "b") is None
    assert why_only_a_bound(calibration, "nobody") == "3 children made 4 drawings"


@pytest.mark.req("D-22.2")
@pytest.mark.parametrize(("drawings", "exact"), [(1, True), (8, False)])
def test_simulated_drawings_are_flagged_less_often_where_it_is_a_bound(
    drawings: int,
    exact: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A child's drawings are spread about its own mean; the new child makes one drawing."""
    random = np.random.default_rng(3)
    owners = np.repeat(np.arange(CHILDREN), drawings)
    flagged = 0
    for _ in range(REPEATS):
        means = random.normal(size=CHILDREN + 1)
        scores = means[owners] + 2 * random.normal(size=len(owners))
        calibration = CalibrationSet(scores, owners.tolist())
        assert (why_only_a_bound(calibration) is None) is exact
        flagged += calibration.p_value(means[-1] + 2 * random.normal()) <= 1 / (CHILDREN + 1)
    rate, level = flagged / REPEATS, 1 / (CHILDREN + 1)
    error = np.sqrt(level * (1 - level) / REPEATS)
    assert bool(abs(rate - level) < 3 * error) is exact
    assert rate < level + 3 * error
