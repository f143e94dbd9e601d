"""Leaving a child out of a ranking is the same as ranking without it from the start."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepmed.learning.calibration import CalibrationSet

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=2, max_size=40)
ASKED = [-1.0, 0.0, 1.5, 4.0, 9.0, 10.0]


def built(rows: list[tuple[int, int]], *left_out: int) -> CalibrationSet:
    kept = [(child, score) for child, score in rows if child not in left_out]
    return CalibrationSet([float(score) for _, score in kept], [child for child, _ in kept])


def facts(ranking: CalibrationSet) -> list[object]:
    return [
        ranking.children,
        ranking.scores.tolist(),
        ranking.n_children,
        len(ranking),
        [ranking.count(score) for score in ASKED],
        ranking.counts(ASKED)[0].tolist(),
        [ranking.p_just_above(score) for score in ASKED],
        [ranking.threshold(percentile) for percentile in (50, 75, 80)],
        [ranking.attained_level(percentile) for percentile in (50, 75, 80)],
        ranking.highest_percentile(),
    ]


@pytest.mark.req("D-26.2")
@given(ROWS, st.data())
@settings(max_examples=150, deadline=None)
def test_the_others_rank_as_if_the_child_had_never_been_there(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    present = sorted({child for child, _ in rows})
    first = data.draw(st.sampled_from(present))
    assert facts(built(rows).without_child(first)) == facts(built(rows, first))
    if len(present) > 1:
        second = data.draw(st.sampled_from([child for child in present if child != first]))
        twice = built(rows).without_child(first).without_child(second)
        assert facts(twice) == facts(built(rows, first, second))


@pytest.mark.req("D-26.2")
def test_weights_beyond_whole_floats_stay_exact() -> None:
    """Children with 1 to 60 drawings have a common unit beyond 2**53."""
    random = np.random.default_rng(0)
    rows = [(child, int(random.integers(0, 50))) for child in range(60) for _ in range(child + 1)]
    assert facts(built(rows).without_child(58)) == facts(built(rows, 58))


@pytest.mark.req("D-26.2")
def test_the_whole_set_is_left_as_it_was() -> None:
    rows = [(0, 1), (0, 5), (1, 3), (2, 3)]
    whole = built(rows)
    whole.without_child(0)
    assert facts(whole) == facts(built(rows))
    assert 0 in whole
    assert 0 not in whole.without_child(0)
