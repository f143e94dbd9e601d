import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import (
    EvaluationError,
    auroc,
    auroc_interval,
    paired_difference_interval,
)
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.evaluation.oracle_intervals import recompute_auroc_bounds

repeatable = settings(deadline=None, derandomize=True, max_examples=100)
scores = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


def study(children: int, drawings: int, shift: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Children with an effect of their own, each with drawings of both classes."""
    random = np.random.default_rng(seed)
    ids = np.repeat(np.arange(children), drawings)
    effect = random.normal(size=children)[ids]
    negative = effect + random.normal(size=len(ids))
    positive = effect + shift + random.normal(size=len(ids))
    return negative, positive, ids


@repeatable
@given(scores, scores)
def test_auroc_is_scikit_learns_and_the_oracles(negative: list[int], positive: list[int]) -> None:
    truth = roc_auc_score([0] * len(negative) + [1] * len(positive), negative + positive)
    assert auroc(negative, positive) == pytest.approx(truth, abs=1e-12)
    assert recompute_auroc(negative, positive) == pytest.approx(truth, abs=1e-12)


def test_auroc_of_large_samples() -> None:
    negative, positive, _ = study(5000, 2, 1.0)
    truth = roc_auc_score(np.repeat([0, 1], 10_000), np.append(negative, positive))
    assert auroc(negative, positive) == pytest.approx(truth, abs=1e-12)


@pytest.mark.req("V-2.1")
def test_bounds_are_those_of_resampling_children_one_by_one() -> None:
    negative, positive, ids = study(12, 2, 0.8)
    negative, positive = np.round(negative), np.round(positive)  # with ties
    few_positives, their_ids = positive[:11], ids[:11]
    figure = auroc_interval(negative, few_positives, ids, their_ids, seed=7, resamples=120)
    low, high = recompute_auroc_bounds(
        list(zip(ids.tolist(), negative, strict=True)),
        list(zip(their_ids.tolist(), few_positives, strict=True)),
        seed=7,
        resamples=120,
    )
    assert (figure.low, figure.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.req("V-2.1")
def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    # Scores of two children differ by the shift, with variance 2 from each side.
    truth = norm.cdf(0.8 / 2)
    held = 0
    for seed in range(200):
        negative, positive, ids = study(40, 3, 0.8, seed=seed + 1)
        figure = auroc_interval(negative, positive, ids, ids, seed=seed, resamples=300)
        held += figure.low <= truth <= figure.high
    assert 0.89 <= held / 200 <= 0.99


@pytest.mark.req("V-3.1")
def test_repeats_do_not_narrow_the_interval() -> None:
    negative, positive, ids = study(30, 1, 0.8)
    once = auroc_interval(negative, positive, ids, ids, seed=0)
    often = auroc_interval(
        np.repeat(negative, 6), np.repeat(positive, 6), np.repeat(ids, 6), np.repeat(ids, 6), seed=0
    )
    assert (once.low, once.high) == pytest.approx((often.low, often.high))
    assert once.n_children == often.n_children == 30


@pytest.mark.req("V-9.1")
def test_perfect_separation_of_few_children_is_not_called_certain() -> None:
    ids = range(6)
    figure = auroc_interval(range(6), range(10, 16), ids, ids, seed=0)
    assert figure.estimate == figure.high == 1.0
    assert figure.low == pytest.approx(0.6097, abs=1e-4)  # Wilson, 6 of 6
    worst = auroc_interval(range(10, 16), range(6), ids, ids, seed=0)
    assert (worst.estimate, worst.low) == (0.0, 0.0)
    assert worst.high == pytest.approx(1 - 0.6097, abs=1e-4)


@pytest.mark.req("V-9.1")
def test_fewer_than_five_children_in_a_class_give_no_interval() -> None:
    with pytest.raises(InsufficientDataError, match="positives come from 4 children"):
        auroc_interval(range(9), range(9), range(9), [0, 1, 2, 3, 3, 3, 3, 3, 3], seed=0)


def test_a_rare_class_is_drawn_again_until_it_is_there() -> None:
    negative = np.random.default_rng(0).normal(size=300)
    figure = auroc_interval(negative, [0.1, 0.4, 0.2, 0.9, 1.5], range(300), range(300, 305), 0)
    assert 0 < figure.low < figure.estimate < figure.high <= 1


def test_the_seed_decides_the_interval() -> None:
    negative, positive, ids = study(20, 2, 0.8)
    bounds = {
        (figure.low, figure.high)
        for seed in (1, 1, 2)
        for figure in [auroc_interval(negative, positive, ids, ids, seed)]
    }
    assert len(bounds) == 2


def test_a_clear_winner_wins_beyond_the_interval_and_a_twin_does_not() -> None:
    negative, positive, ids = study(60, 2, 0.3)
    weak, strong = (negative, positive), (negative, positive + 1.5)
    figure = paired_difference_interval(strong, weak, ids, ids, seed=0)
    assert figure.estimate == pytest.approx(auroc(*strong) - auroc(*weak))
    assert figure.wholly_above(0.0)
    assert figure.low < figure.estimate < figure.high
    assert figure.method == "paired child bootstrap, 1000 resamples"
    same = paired_difference_interval(weak, weak, ids, ids, seed=0)
    assert same.estimate == 0.0
    assert not same.wholly_above(0.0)


def test_a_paired_difference_is_taken_within_each_resample() -> None:
    """Two detectors that err together differ less than two intervals side by side suggest."""
    negative, positive, ids = study(40, 2, 0.8)
    random = np.random.default_rng(9)
    near = (
        negative + 0.1 * random.normal(size=len(negative)),
        positive + 0.1 * random.normal(size=len(positive)),
    )
    paired = paired_difference_interval((negative, positive), near, ids, ids, seed=0)
    alone = auroc_interval(negative, positive, ids, ids, seed=0)
    assert paired.high - paired.low < (alone.high - alone.low) / 3


@pytest.mark.parametrize(
    ("negative", "positive", "children"),
    [([], [1.0], []), ([float("nan")] * 5, [1.0] * 5, range(5)), ([1.0] * 5, [1.0] * 5, range(4))],
)
def test_what_has_no_auroc_is_refused(
    negative: list[float], positive: list[float], children: range
) -> None:
    with pytest.raises((InsufficientDataError, EvaluationError)):
        auroc_interval(negative, positive, children, range(5), seed=0)


def test_a_missing_child_id_is_refused() -> None:
    with pytest.raises(EvaluationError, match="child id"):
        auroc_interval(range(5), range(5), [1, 2, 3, 4, None], range(5), seed=0)


def test_a_second_detector_with_other_drawings_is_refused() -> None:
    six, five = (range(6), range(6)), (range(5), range(6))
    with pytest.raises(EvaluationError):
        paired_difference_interval(six, five, range(6), range(6), seed=0)
