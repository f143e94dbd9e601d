import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import EvaluationError, mean_interval, rank_correlation
from deepmed.learning.evaluation.oracle import recompute_mean

repeatable = settings(deadline=None, derandomize=True, max_examples=100)
pairs = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=40)


@repeatable
@given(pairs)
def test_rank_correlation_is_spearmans(rows: list[tuple[int, int]]) -> None:
    first, second = zip(*rows, strict=True)
    assume(len(set(first)) > 1 and len(set(second)) > 1)
    assert rank_correlation(first, second) == pytest.approx(
        spearmanr(first, second).statistic, abs=1e-12
    )


@pytest.mark.req("V-9.1")
def test_constant_values_have_no_rank_correlation() -> None:
    with pytest.raises(InsufficientDataError, match="no order"):
        rank_correlation([1, 1, 1], [1, 2, 3])


def test_values_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(EvaluationError):
        rank_correlation([1, 2], [1, 2, 3])


@pytest.mark.req("V-3.1")
def test_each_child_weighs_one_in_a_mean() -> None:
    random = np.random.default_rng(0)
    children = random.integers(0, 9, 50)
    values = random.normal(size=50)
    figure = mean_interval(values, children, seed=0)
    by_child = [values[children == child].mean() for child in range(9)]
    assert figure.estimate == pytest.approx(np.mean(by_child))
    rows = list(zip(children.tolist(), values.tolist(), strict=True))
    assert recompute_mean(rows) == pytest.approx(figure.estimate)


@pytest.mark.req("V-2.1")
def test_the_mean_of_many_children_has_students_interval() -> None:
    values = np.random.default_rng(0).normal(size=2000)
    figure = mean_interval(values, range(2000), seed=0, resamples=4000)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert figure.low == pytest.approx(values.mean() - half, abs=half / 10)
    assert figure.high == pytest.approx(values.mean() + half, abs=half / 10)


@pytest.mark.req("V-9.1")
def test_few_children_give_no_interval_however_many_drawings() -> None:
    with pytest.raises(InsufficientDataError, match="come from 4 children"):
        mean_interval(range(400), np.arange(400) % 4, seed=0)


def test_a_level_outside_its_range_is_refused() -> None:
    with pytest.raises(EvaluationError, match="confidence level"):
        mean_interval(range(9), range(9), seed=0, level=1.0)
