"""Figures of views, against slow counts and where the answer is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from deepmed.features.drawings.encoders import figures
from deepmed.learning.errors import InsufficientDataError


def people(count: int, each: int, seed: int = 0) -> tuple[np.ndarray, np.random.Generator]:
    return np.repeat(np.arange(count), each), np.random.default_rng(seed)


def test_the_nearest_drawing_of_another_child_is_the_one_of_a_slow_search() -> None:
    children, random = people(12, 2)
    view, subjects = random.normal(size=(24, 5)) * [1, 9, 0.1, 3, 0], random.integers(0, 3, 24)
    scaled = (view - view.mean(0))[:, :4] / view.std(0)[:4]
    expected = []
    for row in range(24):
        others = [other for other in range(24) if children[other] != children[row]]
        nearest = min(others, key=lambda other: float(np.square(scaled[row] - scaled[other]).sum()))
        expected.append(subjects[nearest] == subjects[row])
    assert figures.same_subject(view, children, subjects).tolist() == expected


def test_an_age_is_never_told_by_a_model_that_saw_the_child() -> None:
    """Each child's drawings carry the age under a code of its own, which nobody else has."""
    children, random = people(20, 3)
    ages = random.uniform(4, 10, 20)[children]
    code = np.eye(20)[children] * 50
    told = figures.ages_told(code, children, ages, seed=1)
    assert np.abs(told - ages).mean() > 0.8 * np.abs(ages - np.median(ages)).mean()


def test_a_view_that_holds_the_age_tells_it_and_nothing_tells_the_median() -> None:
    children, random = people(40, 1)
    ages = random.uniform(4, 10, 40)
    view = np.stack([ages * 3 + 1, random.normal(size=40)], axis=1)
    told = figures.ages_told(view, children, ages, seed=1)
    assert np.abs(told - ages).max() < 0.1
    nothing = figures.ages_told(None, children, ages, seed=1)
    assert len(np.unique(nothing)) <= figures.FOLDS
    assert np.abs(nothing - np.median(ages)).max() < 1.0


def test_the_rank_correlation_is_spearmans_and_resampled_by_child() -> None:
    children, random = people(15, 2)
    ages = random.uniform(4, 10, 30)
    told = ages + random.normal(size=30)
    found = figures.correlation_interval(told, ages, children, seed=0)
    assert found.estimate == pytest.approx(spearmanr(told, ages).statistic)
    assert found.low < found.estimate < found.high
    assert (found.sample_size, found.n_items) == (15, 30)
    # Where a child's drawings say the same, there are 15 opinions and not 30.
    alone = figures.correlation_interval(told, ages, np.arange(30), seed=0)
    twice = figures.correlation_interval(
        np.repeat(told[:15], 2), np.repeat(ages[:15], 2), children, seed=0
    )
    assert twice.high - twice.low > alone.high - alone.low


def test_too_few_children_give_no_figure() -> None:
    def refuse() -> figures.Interval:
        raise InsufficientDataError("four children")

    assert figures.known(refuse) is None
    with pytest.raises(InsufficientDataError):
        figures.correlation_interval(np.arange(4.0), np.arange(4.0), np.arange(4), seed=0)
