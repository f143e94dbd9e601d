"""A map must change when the detector knows nothing (V-4)."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from deepmed.learning.detectors import detector_names, make_detector
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.saliency import (
    RandomisationCheck,
    SaliencyMap,
    SaliencyMapGenerator,
    ScoreFunction,
    check_randomisation,
    map_correlation,
    reinitialised,
    shuffled,
)
from deepmed.learning.saliency.example import example_page

from .conftest import Values


def map_of(values: Values) -> SaliencyMap:
    return SaliencyMap(values, "occlusion", 1.0, "e", "paper", (0, 0, 1, 1))


@pytest.mark.req("D-17.5")
def test_the_correlation_is_of_ranks_with_their_signs() -> None:
    first, second = np.random.default_rng(2).normal(size=(2, 14, 14))
    first[:3] = 0.0
    expected = spearmanr(first.ravel(), second.ravel()).statistic
    assert map_correlation(map_of(first), map_of(second)) == pytest.approx(expected)
    assert map_correlation(map_of(first), map_of(-first)) == pytest.approx(-1.0)


@pytest.mark.req("D-17.5")
@pytest.mark.req("V-4.1")
def test_maps_that_stay_as_they_were_fail() -> None:
    maps = [map_of(np.random.default_rng(seed).normal(size=(14, 14))) for seed in range(6)]
    same = check_randomisation(maps, maps, list(range(6)))
    assert same.correlations == pytest.approx([1.0] * 6)
    assert not same.passed
    other = check_randomisation(maps, maps[::-1], list(range(6)))
    assert other.passed
    assert other.mean.sample_size == 6


@pytest.mark.req("D-17.5")
@pytest.mark.parametrize(("mean", "passes"), [(0.49, True), (0.5, False), (0.51, False)])
def test_the_limit_is_one_half(mean: float, *, passes: bool) -> None:
    assert RandomisationCheck((mean,), None).passed is passes


def test_the_upper_bound_counts_where_there_are_children_enough() -> None:
    correlations = [0.9, 0.9, 0.0, 0.0, 0.0, 0.0]
    maps = [map_of(np.arange(4.0)[None])] * 6
    check = check_randomisation(maps, maps, list(range(6)))
    wide = RandomisationCheck(tuple(correlations), check.mean)
    assert np.mean(correlations) < 0.5
    assert not wide.passed


@pytest.mark.parametrize("name", detector_names())
def test_a_re_initialised_detector_knows_nothing_of_the_first(name: str) -> None:
    rows = np.random.default_rng(0).normal(3.0, 2.0, size=(30, 12))
    fitted = make_detector(name, seed=0).fit(rows)
    blank, again, other = (reinitialised(fitted, seed) for seed in (1, 1, 2))
    assert type(blank) is type(fitted)
    assert (blank.n_rows_, blank.n_features_in_) == (30, 12)
    assert (blank.score_samples(rows) == again.score_samples(rows)).all()
    assert (blank.score_samples(rows) != other.score_samples(rows)).any()
    assert (blank.score_samples(rows) != fitted.score_samples(rows)).all()


def test_shuffling_keeps_each_column_and_loses_how_they_go_together() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 1)) * np.ones(5) + 0.01 * random.normal(size=(40, 5))
    fitted = make_detector("pca", seed=0).fit(rows)
    mixed = shuffled(fitted, rows, seed=1)
    assert mixed.standardization_.mean == pytest.approx(fitted.standardization_.mean)
    assert mixed.standardization_.scale == pytest.approx(fitted.standardization_.scale)
    assert len(mixed.directions_) > len(fitted.directions_)


def test_nothing_and_constant_maps_are_not_compared() -> None:
    with pytest.raises(InsufficientDataError):
        check_randomisation([], [], [])
    with pytest.raises(InsufficientDataError):
        map_correlation(map_of(np.zeros((2, 2))), map_of(np.eye(2)))


@pytest.mark.req("D-17.5")
@pytest.mark.parametrize("method", ["integrated_gradients", "two_sided_occlusion"])
def test_maps_of_the_default_encoder_depend_on_what_was_learned(method: str) -> None:
    page = example_page()
    blank = ScoreFunction(page.function.encoder, reinitialised(page.function.detector, seed=1))
    before, after = (
        SaliencyMapGenerator(function).generate_saliency_map(page.page, method)
        for function in (page.function, blank)
    )
    assert map_correlation(before, after) < 0.5
