from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from deepmed.learning.calibration import (
    CalibrationSet,
    ScoreNormalizationError,
    batch_outlook,
    benjamini_hochberg,
    child_p_values,
    decide,
    q_values,
    smallest_reachable_q,
)

repeatable = settings(deadline=None, derandomize=True, max_examples=150)


@pytest.mark.req("D-10.5")
def test_a_child_has_one_p_its_smallest_times_its_drawings() -> None:
    p = child_p_values([0.25, 0.5, 0.3, 0.125, 0.9], ["ann", "ann", "bob", "ann", "cas"])
    assert p == {"ann": 0.375, "bob": 0.3, "cas": 0.9}
    assert child_p_values([0.6, 0.7], ["ann", "ann"]) == {"ann": 1.0}


@pytest.mark.req("D-10.5")
@repeatable
@given(st.lists(st.floats(0, 1), max_size=30))
def test_q_values_are_benjamini_hochbergs(p: list[float]) -> None:
    expected = false_discovery_control(p) if p else []
    np.testing.assert_allclose(benjamini_hochberg(p), expected, atol=1e-11)


@pytest.mark.req("D-10.5")
def test_q_selects_what_the_step_up_procedure_selects() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        ranks = sorted(random.integers(1, 21, 8).tolist())
        passing = [j for j in range(1, 9) if Fraction(ranks[j - 1], 20) <= Fraction(j, 8) / 20 * 5]
        selected = max(passing, default=0)
        q = benjamini_hochberg([rank / 20 for rank in ranks])
        assert int((q <= 0.25).sum()) == selected


@pytest.mark.req("D-10.5")
def test_only_new_children_take_part_and_their_drawings_share_a_q() -> None:
    p = [0.01, 0.02, 0.2, 0.0001, 0.0001, None]
    children = ["ann", "ann", "bob", "cas", "dov", "eve"]
    roles = ["new", "new", "new", "calibration", "fit", "new"]
    q = q_values(p, children, roles)
    expected = false_discovery_control([0.02, 0.2])
    assert q == pytest.approx([expected[0], expected[0], expected[1], None, None, None])


@pytest.mark.req("D-10.5")
def test_q_values_never_change_a_flag() -> None:
    calibration = CalibrationSet(range(19), range(19))
    alone = [decide(calibration, score) for score in (99.0, 3.0)]
    q = q_values([one.p_value for one in alone], ["ann", "bob"], ["new", "new"])
    assert q == [0.1, 0.85]
    assert [one.is_anomaly for one in alone] == [True, False]
    assert "q_value" not in alone[0].to_dict()


def brute_smallest_q(n: int, drawings: list[int]) -> float:
    """Over every set of children that score above everyone, the smallest q of any child."""
    best = 2.0
    for chosen in range(1, 2 ** len(drawings)):
        p = [
            min(1.0, count / (n + 1)) if chosen >> place & 1 else 1.0
            for place, count in enumerate(drawings)
        ]
        best = min(best, float(false_discovery_control(p).min()))
    return best


@pytest.mark.req("D-10.5")
@repeatable
@given(st.integers(0, 60), st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_the_smallest_reachable_q_is_told_beforehand(n: int, drawings: list[int]) -> None:
    expected = brute_smallest_q(n, drawings)
    assert smallest_reachable_q(n, drawings) == pytest.approx(expected, abs=1e-11)
    outlook = batch_outlook(n, drawings, percentile=90)
    assert outlook.can_select_any == (round(expected, 10) <= 0.1)


@pytest.mark.req("D-10.5")
def test_the_boundary_of_selection_is_exact() -> None:
    assert batch_outlook(19, [1, 1, 1], percentile=95).can_select_any
    assert not batch_outlook(18, [1, 1, 1], percentile=95).can_select_any
    assert batch_outlook(999, [1] * 7, percentile=99.9).can_select_any
    assert not batch_outlook(19, [2], percentile=95).can_select_any


@pytest.mark.req("D-10.5")
def test_so_many_children_are_needed_at_once() -> None:
    for n, k in [(50, 100), (199, 30), (19, 5), (39, 7)]:
        needed = batch_outlook(n, [1] * k).children_needed
        assert needed is not None
        lowest = 1 / (n + 1)
        for extreme, selects in [(needed, True), (needed - 1, False)]:
            q = benjamini_hochberg([lowest] * extreme + [1.0] * (k - extreme))
            assert bool((q <= 0.05).any()) == selects


def test_an_empty_batch_selects_nothing() -> None:
    outlook = batch_outlook(99, [])
    assert (outlook.smallest_q, outlook.can_select_any, outlook.children_needed) == (
        None,
        False,
        None,
    )
    assert q_values([], [], []) == []


def test_children_may_have_models_of_their_own() -> None:
    assert smallest_reachable_q([19, 9], [1, 1]) == 0.1
    assert smallest_reachable_q([99, 0], [1, 1]) == 0.02


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [float("nan")]])
def test_what_is_no_p_value_is_refused(bad: list[float]) -> None:
    with pytest.raises(ScoreNormalizationError):
        benjamini_hochberg(bad)


def test_every_p_needs_its_child() -> None:
    with pytest.raises(ScoreNormalizationError):
        child_p_values([0.1], [])
