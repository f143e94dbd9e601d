"""Where resampling children promises too much: near 0 and 1, and where all resamples agree."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from deepmed.learning.evaluation import (
    EvaluationError,
    Interval,
    auroc_interval,
    paired_difference_interval,
    wilson_bounds,
)
from deepmed.learning.evaluation.auroc_bounds import newcombe_bounds
from deepmed.learning.evaluation.oracle_intervals import recompute_newcombe

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
Draw = Callable[[np.random.Generator, int, float], tuple[Floats, Floats]]

RUNS = 400
MONTE_CARLO = 3 * math.sqrt(0.95 * 0.05 / RUNS)
"""Three errors of a coverage of 0.95 over so many runs: 0.033."""


def normal(random: np.random.Generator, n: int, truth: float) -> tuple[Floats, Floats]:
    return random.normal(size=n), random.normal(size=n) + math.sqrt(2) * norm.ppf(truth)


def wider_positives(random: np.random.Generator, n: int, truth: float) -> tuple[Floats, Floats]:
    return random.normal(size=n), 2 * random.normal(size=n) + math.sqrt(5) * norm.ppf(truth)


def unnoticed_positives(random: np.random.Generator, n: int, truth: float) -> tuple[Floats, Floats]:
    """A share of the positives scores as negatives do, the others far above."""
    unnoticed = random.random(n) < 2 * (1 - truth)
    return random.normal(size=n), random.normal(size=n) + np.where(unnoticed, 0, 50)


def figures(draw: Draw, n: int, truth: float) -> list[Interval]:
    random = np.random.default_rng(n)
    drawn = [draw(random, n, truth) for _ in range(RUNS)]
    ids = range(n), range(n, 2 * n)
    return [
        auroc_interval(negative, positive, *ids, seed=seed, resamples=200)
        for seed, (negative, positive) in enumerate(drawn)
    ]


@pytest.mark.req("V-2.1")
@pytest.mark.parametrize("draw", [normal, wider_positives, unnoticed_positives])
@pytest.mark.parametrize(("n", "truth"), [(20, 0.95), (50, 0.98)])
def test_near_the_ends_the_interval_holds_the_truth_as_often_as_it_says(
    draw: Draw, n: int, truth: float
) -> None:
    """The bootstrap alone: in 0.83 to 0.91 of these runs."""
    held = sum(figure.low <= truth <= figure.high for figure in figures(draw, n, truth))
    assert held / RUNS >= 0.95 - MONTE_CARLO


@pytest.mark.req("V-2.1")
@pytest.mark.parametrize("truth", [0.05, 0.95])
def test_children_with_several_drawings_in_both_classes_are_held_too(truth: float) -> None:
    random = np.random.default_rng(0)
    ids, held = np.repeat(np.arange(20), 3), 0
    for seed in range(RUNS):
        manner = random.normal(size=20)[ids]
        negative = manner + random.normal(size=60)
        positive = random.normal(size=20)[ids] + random.normal(size=60) + 2 * norm.ppf(truth)
        figure = auroc_interval(negative, positive, ids, ids, seed=seed, resamples=200)
        held += figure.low <= truth <= figure.high
    assert held / RUNS >= 0.95 - MONTE_CARLO


@pytest.mark.parametrize("estimate", [0.0, 0.02, 0.5, 0.95, 0.999, 1.0])
@pytest.mark.parametrize(("few", "many"), [(5, 5), (20, 50), (400, 7)])
def test_newcombes_bounds_lie_z_of_their_own_errors_away(
    estimate: float, few: int, many: int
) -> None:
    z = norm.ppf(0.975)
    low, high = newcombe_bounds(estimate, few, many)
    assert 0 <= low <= estimate <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        # Hanley and McNeil: that one positive beats two negatives, and two beat one.
        twice_below, twice_above = bound / (2 - bound), 2 * bound**2 / (1 + bound)
        more = (few + many) / 2 - 1
        pairs = bound * (1 - bound)
        pairs += more * (twice_below - bound**2) + more * (twice_above - bound**2)
        assert abs(estimate - bound) == pytest.approx(z * math.sqrt(pairs / (few * many)))
    assert newcombe_bounds(1 - estimate, few, many) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    if 0 < estimate < 1:
        assert recompute_newcombe(estimate, few, many) == pytest.approx((low, high), abs=1e-11)


@pytest.mark.parametrize("wrong", [(1.1, 5, 5, 0.95), (0.5, 0, 5, 0.95), (0.5, 5, 5, 1.0)])
def test_what_has_no_such_bounds_is_refused(wrong: tuple[float, int, int, float]) -> None:
    with pytest.raises(EvaluationError):
        newcombe_bounds(*wrong)


def test_the_hull_holds_both_and_is_named() -> None:
    """One of the twenty positives lies below ten of the twenty negatives: 1 - 10 / 400."""
    ids, above = range(20), [9.5, *range(30, 49)]
    figure = auroc_interval(range(20), above, ids, range(20, 40), seed=0)
    assert figure.estimate == 0.975
    assert figure.method == "child bootstrap, 1000 resamples, widened to Newcombe's method 5"
    assert figure.low == newcombe_bounds(0.975, 20, 20)[0]
    assert figure.high == 1.0  # some resamples lack that one


def test_repeats_of_a_childs_drawings_count_as_one_child() -> None:
    ids, above = np.arange(20), np.array([9.5, *range(30, 49)])
    once = auroc_interval(ids, above, ids, ids + 20, seed=0)
    often = auroc_interval(
        np.repeat(ids, 5), np.repeat(above, 3), np.repeat(ids, 5), np.repeat(ids + 20, 3), seed=0
    )
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_away_from_the_ends_the_bootstrap_stands_alone() -> None:
    below, above = normal(np.random.default_rng(0), 40, 0.8)
    figure = auroc_interval(below, above, range(40), range(40, 80), seed=0)
    assert 0.1 < figure.estimate < 0.9
    assert figure.method == "child bootstrap, 1000 resamples"


def test_a_score_that_tells_nobody_apart_is_not_known_to_be_chance() -> None:
    figure = auroc_interval([1.0] * 8, [1.0] * 8, range(8), range(8), seed=0)
    share = wilson_bounds(0, 8)[1]
    assert figure.method.endswith("; Wilson bound where all agree")
    assert (figure.low, figure.high) == pytest.approx((0.5 - share / 2, 0.5 + share / 2))


@pytest.mark.req("D-15.2")
def test_two_perfect_detectors_are_not_known_to_be_equal() -> None:
    first, second = (range(20), range(30, 50)), (range(20), range(60, 40, -1))
    figure = paired_difference_interval(first, second, range(20), range(20), seed=0)
    share = wilson_bounds(0, 20)[1]
    assert figure.estimate == 0.0
    assert (figure.low, figure.high) == pytest.approx((-share, share))
    assert figure.method == "paired child bootstrap, 1000 resamples; Wilson bound where all agree"
    assert not figure.wholly_above(0.0)


@pytest.mark.req("D-15.2")
@pytest.mark.parametrize("n", [6, 30])
def test_a_lead_that_all_resamples_agree_on_counts_with_enough_children(n: int) -> None:
    """The one separates perfectly, the other sees nothing."""
    perfect, blind = (range(n), range(n, 2 * n)), ([0] * n, [0] * n)
    figure = paired_difference_interval(perfect, blind, range(n), range(n), seed=0)
    assert figure.estimate == 0.5
    assert -1 <= figure.low < 0.5 < figure.high <= 1
    assert figure.wholly_above(0.0) is (n == 30)


@pytest.mark.req("D-15.2")
@pytest.mark.parametrize("failing", [0.05, 0.1, 0.15])
def test_a_rare_failure_of_the_rival_is_held_by_the_interval(failing: float) -> None:
    """The one never fails, the other does with a share of the children: the lead is that share.

    Where none of twenty children shows it, as in 0.36, 0.12 and 0.04 of the runs, resamples say
    that there is no lead, for certain.
    """
    random, ids, held = np.random.default_rng(1), range(20), 0
    for seed in range(RUNS):
        fails = random.random(20) < failing
        second = (np.arange(20), np.where(fails, -1, 50))
        figure = paired_difference_interval(
            (range(20), range(30, 50)), second, ids, ids, seed=seed, resamples=200
        )
        held += figure.low <= failing <= figure.high
    assert held / RUNS >= 0.95 - MONTE_CARLO


@pytest.mark.req("D-15.2")
@pytest.mark.parametrize("n", [20, 50])
def test_of_two_equals_near_one_neither_wins_often(n: int) -> None:
    random, wins = np.random.default_rng(n), 0
    for seed in range(RUNS):
        shared = random.normal(size=(2, n))
        first, second = (
            (shared + random.normal(size=(2, n))) / math.sqrt(2)
            + np.array([[0], [math.sqrt(2) * norm.ppf(0.95)]])
            for _ in range(2)
        )
        figure = paired_difference_interval(
            (first[0], first[1]),
            (second[0], second[1]),
            range(n),
            range(n, 2 * n),
            seed=seed,
            resamples=200,
        )
        wins += figure.wholly_above(0.0)
    assert wins / RUNS <= 0.05 + MONTE_CARLO
