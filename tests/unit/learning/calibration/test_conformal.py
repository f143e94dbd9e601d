from collections.abc import Hashable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepmed.learning.calibration import CalibrationSet, ScoreNormalizationError, exact_level
from deepmed.learning.evaluation.oracle import recompute_decision

repeatable = settings(deadline=None, derandomize=True, max_examples=200)

rows = st.lists(st.tuples(st.integers(0, 12), st.integers(-4, 4)), max_size=60)
percentiles = st.sampled_from([50.0, 66.6, 75.0, 80.0, 90.0, 95.0])


def calibrate(drawings: list[tuple[Hashable, float]]) -> CalibrationSet:
    return CalibrationSet([score for _, score in drawings], [child for child, _ in drawings])


def brute_count(drawings: list[tuple[Hashable, float]], score: float) -> Fraction:
    """W as the requirement words it, child by child."""
    total = Fraction(0)
    for child in {child for child, _ in drawings}:
        own = [value for other, value in drawings if other == child]
        total += Fraction(len([value for value in own if value >= score]), len(own))
    return total


@pytest.mark.req("D-9.4")
@repeatable
@given(rows, st.floats(-5, 5))
def test_each_child_weighs_one_by_the_share_of_its_drawings(
    drawings: list[tuple[Hashable, float]], score: float
) -> None:
    calibration = calibrate(drawings)
    n = len({child for child, _ in drawings})
    assert calibration.count(score) == (float(brute_count(drawings, score)), n)
    assert calibration.p_value(score) == pytest.approx(
        float((1 + brute_count(drawings, score)) / (n + 1)), rel=1e-15
    )


@pytest.mark.req("D-9.4")
def test_p_counts_the_drawing_itself() -> None:
    calibration = CalibrationSet([1.0, 2.0, 3.0, 3.0], ["ann", "bob", "cas", "cas"])
    assert calibration.p_value(4.0) == 1 / 4
    assert calibration.p_value(3.0) == 2 / 4
    assert calibration.p_value(0.0) == 1.0


@repeatable
@given(rows, st.lists(st.floats(-5, 5), max_size=9))
def test_many_scores_are_counted_as_each_alone(
    drawings: list[tuple[Hashable, float]], scores: list[float]
) -> None:
    calibration = calibrate(drawings)
    for without in [None, *calibration.children[:1]]:
        counts, n = calibration.counts(scores, without)
        assert [(count, n) for count in counts] == [calibration.count(s, without) for s in scores]


def test_counts_are_exact_where_whole_units_outgrow_a_float() -> None:
    drawings = [(child, float(place)) for child in range(1, 50) for place in range(child)]
    calibration = calibrate(drawings)
    for score in (0.5, 17.0, 48.0, 49.0):
        assert calibration.count(score)[0] == float(brute_count(drawings, score))
    counts, _ = calibration.counts([0.5, 48.0], without=49)
    assert counts.tolist() == [
        float(brute_count(drawings[:-49], 0.5)),
        float(brute_count(drawings[:-49], 48.0)),
    ]


def test_the_order_of_the_drawings_does_not_matter() -> None:
    random = np.random.default_rng(0)
    drawings = [(int(random.integers(20)), float(random.normal())) for _ in range(90)]
    calibration, query = calibrate(drawings), random.normal(size=50)
    shuffled = calibrate([drawings[place] for place in random.permutation(90)])
    np.testing.assert_array_equal(calibration.counts(query)[0], shuffled.counts(query)[0])


@pytest.mark.req("D-9.5")
@repeatable
@given(rows, percentiles)
def test_threshold_is_the_largest_calibration_score_with_p_above_alpha(
    drawings: list[tuple[Hashable, float]], percentile: float
) -> None:
    alpha, n = exact_level(percentile), len({child for child, _ in drawings})
    within = [s for _, s in drawings if (1 + brute_count(drawings, s)) / (n + 1) > alpha]
    expected = max(within) if within and Fraction(1, n + 1) <= alpha else None
    assert calibrate(drawings).threshold(percentile) == expected


@pytest.mark.req("D-9.5")
def test_there_is_no_threshold_where_the_percentile_is_not_supported() -> None:
    assert CalibrationSet(range(18), range(18)).threshold(95) is None
    assert CalibrationSet([], []).threshold(95) is None
    assert CalibrationSet(range(19), range(19)).threshold(95) == 18.0


@pytest.mark.req("D-9.6")
@repeatable
@given(rows, percentiles)
def test_attained_level_is_the_largest_reachable_p_not_above_alpha(
    drawings: list[tuple[Hashable, float]], percentile: float
) -> None:
    n = len({child for child, _ in drawings})
    scores = [score + step for _, score in drawings for step in (0, 0.5)]
    reachable = {(1 + brute_count(drawings, score)) / (n + 1) for score in scores}
    within = [p for p in reachable if p <= exact_level(percentile)]
    attained = calibrate(drawings).attained_level(percentile)
    assert attained == (pytest.approx(float(max(within)), rel=1e-15) if within else None)


@pytest.mark.req("D-9.6")
@pytest.mark.parametrize("percentile", [90.0, 95.0, 97.5, 99.0, 99.9])
def test_attained_level_is_the_floor_formula_without_ties(percentile: float) -> None:
    for n in [*range(1, 120), 199, 399, 999]:
        rank = exact_level(percentile) * (n + 1) // 1
        expected = float(rank) / (n + 1) if rank else None
        assert CalibrationSet(range(n), range(n)).attained_level(percentile) == expected


@pytest.mark.req("D-9.7")
@pytest.mark.parametrize("percentile", [50.0, 80.0, 90.0, 95.0, 97.5, 98.0, 99.0, 99.5, 99.9])
def test_support_begins_exactly_where_the_formula_says(percentile: float) -> None:
    needed = 1 / exact_level(percentile)
    for n in {1, 2, int(needed) - 2, int(needed) - 1, int(needed), int(needed) + 1} - {-1, 0}:
        calibration = CalibrationSet(range(n), range(n))
        assert calibration.supports(percentile) == (n >= needed - 1)
        assert calibration.supports(percentile, ranked=True) == (n >= needed)


@pytest.mark.req("D-9.7")
def test_drawings_beyond_the_first_do_not_help_to_support_a_percentile() -> None:
    assert not CalibrationSet(range(180), [place % 18 for place in range(180)]).supports(95)


@pytest.mark.req("D-9.7")
def test_the_highest_percentile_is_supported_and_a_higher_one_is_not() -> None:
    for n in range(2, 400):
        calibration = CalibrationSet(range(n), range(n))
        for ranked in (False, True):
            highest = calibration.highest_percentile(ranked=ranked)
            assert highest is not None
            assert calibration.supports(highest, ranked=ranked)
            assert not calibration.supports(highest + 1e-6, ranked=ranked)
    assert CalibrationSet([1.0], ["ann"]).highest_percentile(ranked=True) is None
    assert CalibrationSet([], []).highest_percentile() is None


@pytest.mark.req("D-26.2")
@repeatable
@given(rows.filter(bool), st.floats(-5, 5))
def test_a_calibration_child_is_ranked_against_the_others_only(
    drawings: list[tuple[Hashable, float]], score: float
) -> None:
    child = drawings[0][0]
    others = [row for row in drawings if row[0] != child]
    left_out = calibrate(drawings).count(score, without=child)
    assert left_out == calibrate(others).count(score)
    assert left_out[1] == len({other for other, _ in others})


@pytest.mark.req("V-3.1")
def test_repeats_of_a_childs_drawings_are_not_new_data() -> None:
    random = np.random.default_rng(0)
    scores, query = random.normal(size=30), random.normal(size=40)
    once = CalibrationSet(scores, range(30))
    often = CalibrationSet(np.repeat(scores, 7), np.repeat(range(30), 7))
    np.testing.assert_array_equal(once.counts(query)[0], often.counts(query)[0])
    assert once.n_children == often.n_children
    assert once.threshold(95) == often.threshold(95)


@pytest.mark.req("V-3.1")
def test_p_is_valid_in_every_finite_sample() -> None:
    """Of n + 1 exchangeable scores, at most k can have a p of k / (n + 1) or less, ties or not."""
    random = np.random.default_rng(0)
    for n in (1, 5, 19, 40):
        for values in (random.normal(size=n + 1), random.integers(0, 4, n + 1)):
            p = [
                CalibrationSet(np.delete(values, one), range(n)).p_value(values[one])
                for one in range(n + 1)
            ]
            for k in range(1, n + 2):
                assert sum(value <= k / (n + 1) + 1e-12 for value in p) <= k


def test_deleting_a_child_takes_its_scores_out() -> None:
    calibration = CalibrationSet([1.0, 2.0, 3.0], ["ann", "bob", "ann"])
    assert calibration.removed("ann").children == ("bob",)
    assert calibration.removed("eve") is calibration
    assert calibration.children == ("ann", "bob", "ann")


def test_a_calibration_set_does_not_change() -> None:
    scores = np.array([1.0, 2.0])
    calibration = CalibrationSet(scores, ["ann", "bob"])
    scores[0] = 99.0
    assert calibration.scores.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        calibration.scores[0] = 5.0
    with pytest.raises(AttributeError):
        calibration.scores = scores  # type: ignore[misc] # the refusal is what is tested


def test_leaving_out_a_stranger_is_refused() -> None:
    with pytest.raises(ScoreNormalizationError, match="'7' is not among"):
        CalibrationSet([1.0], [7]).count(0.0, without="7")


@pytest.mark.parametrize(
    ("scores", "children"),
    [([1.0], []), ([1.0], [None]), ([1.0], [float("nan")]), ([float("nan")], ["ann"]), (1.0, "a")],
)
def test_what_cannot_be_ranked_is_refused(scores: list[float], children: list[Hashable]) -> None:
    with pytest.raises(ScoreNormalizationError):
        CalibrationSet(scores, children)


@pytest.mark.parametrize("percentile", [0.0, 100.0, -1.0, float("nan"), 250.0])
def test_a_percentile_outside_its_range_is_refused(percentile: float) -> None:
    with pytest.raises(ScoreNormalizationError, match="between 0 and 100"):
        CalibrationSet(range(19), range(19)).threshold(percentile)


def test_array_ids_and_plain_ids_are_the_same_children() -> None:
    calibration = CalibrationSet([1.0, 2.0], np.array([4, 9]))
    assert 4 in calibration
    assert calibration.without_child(4).children == (9,)


@repeatable
@given(rows.filter(bool), st.integers(-5, 5), percentiles, st.sampled_from(["new", "calibration"]))
def test_the_oracle_agrees(
    drawings: list[tuple[Hashable, float]], score: int, percentile: float, role: str
) -> None:
    child = drawings[0][0] if role == "calibration" else None
    calibration = calibrate(drawings)
    ranking = calibration if child is None else calibration.without_child(child)
    truth = recompute_decision(drawings, score, percentile, child)
    assert ranking.threshold(percentile) == truth["threshold"]
    assert ranking.attained_level(percentile) == pytest.approx(truth["attained_level"])
    assert calibration.count(score, child) == (truth["count_at_or_above"], truth["n_children"])
    assert calibration.normalized_score(score, child) == truth["normalized_score"]
