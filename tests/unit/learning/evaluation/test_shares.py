import numpy as np
import pytest
from scipy import stats

from deepmed.learning.calibration import CalibrationSet
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import (
    EvaluationError,
    false_alarm_spread,
    mean_interval,
    observed_false_alarm_spread,
    share_interval,
    wilson_bounds,
    wilson_interval,
)
from deepmed.learning.evaluation.oracle import recompute_wilson


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_is_scipys_and_the_oracles(level: float) -> None:
    for n in (1, 2, 7, 20, 300):
        for k in {0, 1, n // 3, n - 1, n}:
            figure = wilson_interval(k, n, level)
            truth = stats.binomtest(k, n).proportion_ci(level, method="wilson")
            assert (figure.low, figure.high) == pytest.approx((truth.low, truth.high), abs=1e-12)
            assert recompute_wilson(k, n, level) == pytest.approx((truth.low, truth.high), abs=1e-9)


@pytest.mark.req("V-9.1")
def test_a_share_of_nothing_is_no_answer() -> None:
    with pytest.raises(InsufficientDataError):
        wilson_interval(0, 0)
    with pytest.raises(InsufficientDataError):
        share_interval([], [], seed=0)


@pytest.mark.parametrize(("share", "level"), [(1.5, 0.95), (-0.1, 0.95), (0.5, 1.0), (0.5, 0.0)])
def test_what_is_no_share_is_refused(share: float, level: float) -> None:
    with pytest.raises(EvaluationError):
        wilson_bounds(share, 10, level)


@pytest.mark.req("V-2.1")
def test_a_share_with_one_drawing_a_child_is_wilsons_over_children() -> None:
    figure = share_interval([True, False, False, False], range(4), seed=0)
    plain = wilson_interval(1, 4)
    assert (figure.low, figure.high) == (plain.low, plain.high)
    assert (figure.unit, figure.sample_size) == ("child", 4)


@pytest.mark.req("V-3.1")
def test_a_share_with_several_drawings_a_child_is_resampled_by_child() -> None:
    random = np.random.default_rng(0)
    flags, children = random.random(60) < 0.4, np.arange(60) % 12
    figure = share_interval(flags, children, seed=3)
    by_hand = mean_interval(flags.astype(float), children, seed=3)
    assert (figure.estimate, figure.low, figure.high) == (
        by_hand.estimate, by_hand.low, by_hand.high,
    )  # fmt: skip
    assert (figure.sample_size, figure.n_items) == (12, 60)


@pytest.mark.req("V-3.1")
def test_drawings_that_all_agree_count_as_their_children() -> None:
    figure = share_interval([False] * 60, np.arange(60) % 12, seed=0)
    assert (figure.low, figure.high) == (0.0, wilson_interval(0, 12).high)
    assert (figure.sample_size, figure.n_items) == (12, 60)


@pytest.mark.parametrize(("n", "percentile"), [(19, 95.0), (50, 95.0), (199, 99.0), (999, 99.9)])
def test_the_spread_is_that_of_a_given_calibrations_rate(n: int, percentile: float) -> None:
    spread = false_alarm_spread(n, percentile=percentile)
    k = round(n + 1) * round(1000 - 10 * percentile) // 1000
    truth = stats.beta(k, n + 1 - k)
    assert (spread.low, spread.high) == pytest.approx(truth.interval(0.95), rel=1e-9)
    assert spread.estimate == pytest.approx(truth.mean())
    assert spread.estimate == CalibrationSet(range(n), range(n)).attained_level(percentile)


def test_the_spread_holds_the_rates_of_simulated_calibrations() -> None:
    """Of uniform scores the flagged share under a threshold t is 1 - t."""
    random, spread = np.random.default_rng(0), false_alarm_spread(39, level=0.9)
    rates = []
    for _ in range(1500):
        threshold = CalibrationSet(random.random(39), range(39)).threshold(95)
        assert threshold is not None
        rates.append(1 - threshold)
    held = np.mean((np.array(rates) >= spread.low) & (np.array(rates) <= spread.high))
    assert held == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 1500))


def test_the_observed_share_spreads_as_calibration_and_draw_together() -> None:
    spread = observed_false_alarm_spread(50, 80)
    low, high = stats.betabinom(80, 2, 49).ppf([0.025, 0.975]) / 80
    assert (spread.low, spread.high) == (low, high)
    assert spread.estimate == 2 / 51
    given = false_alarm_spread(50)
    assert spread.high > given.high


@pytest.mark.req("V-9.1")
def test_a_spread_that_n_cannot_support_is_no_answer() -> None:
    with pytest.raises(InsufficientDataError, match="18 calibration children support at most"):
        false_alarm_spread(18)
    with pytest.raises(InsufficientDataError):
        observed_false_alarm_spread(18, 100)
    with pytest.raises(InsufficientDataError):
        observed_false_alarm_spread(19, 0)
