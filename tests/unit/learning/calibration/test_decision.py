from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from deepmed.learning.calibration import (
    CalibrationSet,
    Decision,
    ScoreNormalizationError,
    decide,
    exact_level,
    in_sample_decision,
    ranked_only,
)
from deepmed.learning.evaluation.oracle import recompute_decision, recompute_manual_decision

PERCENTILES = (90.0, 95.0, 97.5, 99.0, 99.9)


def exact_p(decision: Decision) -> Fraction:
    """The fraction behind a float p: with at most 8 drawings a child it divides by 840 (n + 1)."""
    assert decision.p_value is not None
    assert decision.n_children is not None
    return Fraction(decision.p_value).limit_denominator(840 * (decision.n_children + 1))


def samples(n: int) -> list[CalibrationSet]:
    """Without ties; with ties; with 1 to 8 drawings a child and a child effect."""
    random = np.random.default_rng(n)
    children = np.repeat(np.arange(n), random.integers(1, 9, n))
    effects = random.normal(size=n)[children]
    return [
        CalibrationSet(random.normal(size=n), range(n)),
        CalibrationSet(random.integers(0, 12, n), range(n)),
        CalibrationSet(np.round(effects + random.normal(size=len(children)), 1), children),
    ]


def queries(calibration: CalibrationSet, percentile: float) -> list[float]:
    ordered = np.unique(calibration.scores)
    places = [0, len(ordered) // 2, -1]
    threshold = calibration.threshold(percentile)
    around = [] if threshold is None else [threshold, threshold + 1e-6, threshold - 1e-6]
    return [*ordered[places].tolist(), float(ordered[-1]) + 1, *around]


@pytest.mark.req("D-10.1")
def test_flag_normalized_score_threshold_and_p_say_the_same_over_n() -> None:
    for n in range(19, 401):
        for calibration in samples(n):
            percentile = PERCENTILES[n % len(PERCENTILES)]
            for score in queries(calibration, percentile):
                decision = decide(calibration, score, percentile)
                assert decision.normalized_score is not None
                assert decision.is_anomaly == (decision.normalized_score >= percentile)
                assert decision.is_anomaly == (exact_p(decision) <= exact_level(percentile))


@pytest.mark.req("D-9.5")
def test_a_new_childs_drawing_is_flagged_exactly_above_the_threshold() -> None:
    for n in range(19, 401, 3):
        for calibration in samples(n):
            percentile = PERCENTILES[n % len(PERCENTILES)]
            for score in queries(calibration, percentile):
                decision = decide(calibration, score, percentile)
                assert decision.score is not None
                above = decision.threshold is not None and decision.score > decision.threshold
                assert decision.is_anomaly == above


@pytest.mark.req("D-10.1")
@pytest.mark.parametrize(
    ("n", "percentile"), [(19, 95), (39, 97.5), (99, 99), (999, 99.9), (9, 90)]
)
def test_the_boundary_of_the_percentile_is_flagged(n: int, percentile: float) -> None:
    top = decide(CalibrationSet(range(n), range(n)), n, percentile)
    assert top.normalized_score == percentile
    assert top.is_anomaly
    assert not decide(CalibrationSet(range(n), range(n)), n - 1, percentile).is_anomaly


@pytest.mark.req("D-10.1")
def test_normalized_scores_leave_the_own_child_out() -> None:
    calibration = CalibrationSet(range(30), range(30))
    assert decide(calibration, 29, child=29).normalized_score == round(100 * 29 / 30, 9)
    assert decide(calibration, 29).normalized_score == round(100 * 29 / 31, 9)


@pytest.mark.req("D-26.2")
def test_a_calibration_child_meets_the_threshold_of_the_others() -> None:
    calibration = CalibrationSet(range(20), range(20))
    own, new = decide(calibration, 19, child=19), decide(calibration, 19)
    assert (own.n_children, own.threshold, own.is_anomaly) == (19, 18.0, True)
    assert (new.n_children, new.threshold, new.is_anomaly) == (20, 19.0, False)
    assert own.own_child_left_out
    assert not new.own_child_left_out


@pytest.mark.req("D-26.2")
def test_calibration_children_are_flagged_at_the_promised_rate() -> None:
    calibration = CalibrationSet(np.random.default_rng(0).normal(size=40), range(40))
    flagged = [
        decide(calibration, score, child=child).is_anomaly
        for child, score in enumerate(calibration.scores.tolist())
    ]
    assert sum(flagged) == 2


@pytest.mark.req("D-9.7")
def test_too_few_children_rank_but_never_flag() -> None:
    decision = decide(CalibrationSet(range(18), range(18)), 1e6, 95)
    assert decision.decision == "not_supported"
    assert not decision.is_anomaly
    assert decision.highest_percentile == round(100 * 18 / 19, 9)
    assert (decision.count_at_or_above, decision.n_children) == (0.0, 18)
    assert decision.p_value == 1 / 19
    assert decision.threshold is None
    assert decision.attained_level is None


@pytest.mark.req("D-9.7")
def test_a_calibration_child_needs_one_child_more_than_a_new_one() -> None:
    calibration = CalibrationSet(range(19), range(19))
    assert decide(calibration, 99, 95).decision == "ranked"
    assert decide(calibration, 99, 95, child=18).decision == "not_supported"
    assert decide(CalibrationSet(range(20), range(20)), 99, 95, child=18).decision == "ranked"


@pytest.mark.req("V-9.1")
def test_thin_evidence_gives_no_answer_with_its_reason() -> None:
    decision = decide(CalibrationSet(range(5), range(5)), 99.0, 95)
    assert decision.reason == (
        "5 comparison children support at most the percentile 83.3333, not 95; nothing is flagged."
    )
    nobody = decide(CalibrationSet([], []), 99.0, 95)
    assert (nobody.decision, nobody.p_value, nobody.normalized_score) == ("not_supported", 1.0, 0.0)
    assert (
        nobody.reason == "0 comparison children support no percentile, not 95; nothing is flagged."
    )


@pytest.mark.req("D-10.2")
@pytest.mark.parametrize(("score", "flagged"), [(17.0, False), (17.1, True), (3.0, False)])
def test_a_threshold_set_by_hand_flags_what_is_greater(score: float, *, flagged: bool) -> None:
    decision = decide(CalibrationSet(range(19), range(19)), score, manual_threshold=17.0)
    assert decision.is_anomaly == flagged
    assert (decision.decision, decision.percentile) == ("manual", None)
    assert decision.threshold == 17.0


@pytest.mark.req("D-10.2")
def test_its_false_alarm_estimate_is_the_p_just_above_it() -> None:
    random = np.random.default_rng(0)
    rows = [(int(random.integers(15)), float(random.integers(9))) for _ in range(60)]
    calibration = CalibrationSet([score for _, score in rows], [child for child, _ in rows])
    for threshold in (-1.0, 0.0, 4.0, 4.5, 8.0, 9.0):
        decision = decide(calibration, 5.0, manual_threshold=threshold)
        assert decision.false_alarm_estimate == calibration.p_value(threshold + 1e-6)
        truth = recompute_manual_decision(rows, 5.0, threshold)
        assert decision.false_alarm_estimate == pytest.approx(truth["false_alarm_estimate"])
        assert decision.is_anomaly == truth["is_anomaly"]


@pytest.mark.req("D-10.2")
def test_a_manual_threshold_works_with_few_children_and_without_the_own_one() -> None:
    calibration = CalibrationSet([1.0, 2.0, 9.0], ["ann", "bob", "cas"])
    decision = decide(calibration, 9.0, child="cas", manual_threshold=5.0)
    assert decision.is_anomaly
    assert decision.false_alarm_estimate == 1 / 3
    assert decision.confidence is None
    assert decision.confidence_reason is not None


@pytest.mark.req("D-10.3")
def test_confidence_is_the_beta_tail_of_the_decision() -> None:
    for calibration in samples(40):
        for score in np.unique(calibration.scores).tolist():
            decision = decide(calibration, score, 90)
            m, n = decision.count_at_or_above, decision.n_children
            assert m is not None
            assert n is not None
            tail = stats.beta.cdf if decision.is_anomaly else stats.beta.sf
            assert decision.confidence == pytest.approx(tail(0.1, m + 1, n - m + 1), rel=1e-9)


@pytest.mark.req("D-10.3")
def test_confidence_counts_in_the_ranking_that_was_used() -> None:
    decision = decide(CalibrationSet(range(40), range(40)), 38, 90, child=38)
    assert (decision.count_at_or_above, decision.n_children) == (1.0, 39)
    assert decision.confidence == pytest.approx(stats.beta.cdf(0.1, 2, 39))


@pytest.mark.req("D-10.3")
def test_below_one_half_the_decision_is_undecided() -> None:
    sure = decide(CalibrationSet(range(39), range(39)), 99)
    assert sure.is_anomaly
    assert sure.confidence == pytest.approx(1 - 0.95**40)
    assert not sure.undecided
    # One child fewer than two flags need: p = 2/39 is barely above 0.05.
    open_case = decide(CalibrationSet(range(38), range(38)), 36.5)
    assert not open_case.is_anomaly
    assert open_case.confidence == pytest.approx(stats.binom.cdf(1, 39, 0.05))
    assert open_case.undecided


@pytest.mark.req("D-10.3")
def test_there_is_no_confidence_without_a_decision() -> None:
    unsupported = decide(CalibrationSet(range(5), range(5)), 99, 95)
    in_sample = in_sample_decision("The model was fitted on this child and there is no twin.")
    for decision in (unsupported, in_sample):
        assert decision.confidence is None
        assert decision.confidence_reason
        assert not decision.undecided


@pytest.mark.req("D-26.3")
def test_an_in_sample_answer_has_no_score_and_no_flag() -> None:
    decision = in_sample_decision("The model was fitted on this child and there is no twin.")
    assert decision.decision == "in_sample"
    assert not decision.is_anomaly
    assert decision.score is None
    assert decision.p_value is None
    assert decision.reason == "The model was fitted on this child and there is no twin."


def test_borderline_is_a_relative_distance_to_the_threshold() -> None:
    calibration = CalibrationSet(np.arange(1.0, 20.0), range(19))
    at = 19.0
    assert decide(calibration, at * (1 + 0.9e-4)).borderline
    assert decide(calibration, at * (1 - 0.9e-4)).borderline
    assert not decide(calibration, at * (1 + 1.1e-4)).borderline
    assert decide(calibration, at * 1.01, borderline_tolerance=0.02).borderline
    assert decide(calibration, 5.0002, manual_threshold=5.0).borderline
    assert not decide(CalibrationSet(range(5), range(5)), 4.0).borderline


@pytest.mark.req("D-23.2")
@pytest.mark.parametrize("sign", [-1, 1])
def test_borderline_is_what_other_hardware_could_decide_otherwise(sign: int) -> None:
    """A score that moves further than most is borderline further from the threshold."""
    calibration = CalibrationSet(np.arange(1.0, 20.0), range(19))
    near = 19.0 + sign * 0.02
    assert not decide(calibration, near).borderline
    assert not decide(calibration, near, shift=0.0199).borderline
    assert decide(calibration, near, shift=0.0201).borderline
    assert decide(calibration, 5.0 + sign * 0.02, manual_threshold=5.0, shift=0.0201).borderline
    # A score that hardly moves is so at 1e-4 of the threshold all the same.
    assert decide(calibration, 19.0 + sign * 0.0018, shift=1e-9).borderline


@pytest.mark.req("D-10.2", "D-26.3")
def test_a_score_that_no_rule_may_flag_keeps_its_rank() -> None:
    ranked = decide(CalibrationSet(range(40), range(40)), 99.0)
    only = ranked_only(ranked, "on another scale")
    assert (ranked.is_anomaly, only.is_anomaly) == (True, False)
    assert (only.decision, only.reason, only.confidence_reason) == (
        "in_sample",
        "on another scale",
        "on another scale",
    )
    kept = ("score", "p_value", "normalized_score", "n_children", "count_at_or_above")
    assert [getattr(only, name) for name in kept] == [getattr(ranked, name) for name in kept]
    gone = ("threshold", "percentile", "confidence", "attained_level", "false_alarm_estimate")
    assert [getattr(only, name) for name in gone] == [None] * 5
    assert not only.borderline


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ScoreNormalizationError):
        decide(CalibrationSet(range(19), range(19)), float("nan"))


def test_the_oracle_agrees_on_whole_decisions() -> None:
    for calibration in samples(25):
        rows = list(zip(calibration.children, calibration.scores.tolist(), strict=True))
        for percentile in (80.0, 95.0, 99.0):
            for child, score in [(None, 0.3), (None, 1.7), rows[3], rows[-1]]:
                truth = recompute_decision(rows, score, percentile, child)
                told = decide(calibration, score, percentile, child=child).to_dict()
                for name, value in truth.items():
                    assert told[name] == (
                        pytest.approx(value, rel=1e-8) if isinstance(value, float) else value
                    ), name
