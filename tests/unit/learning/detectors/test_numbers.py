"""Every detector's number against an independent reference."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from deepmed.kit import seeds
from deepmed.learning.detectors import (
    AutoencoderDetector,
    Detector,
    IsolationForestDetector,
    KnnDetector,
    MahalanobisDetector,
    PcaDetector,
    StandardizedDetector,
)
from deepmed.learning.detectors.directions import ledoit_wolf_shrinkage
from deepmed.learning.detectors.standardization import Standardization

Rows = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Make = Callable[..., Detector]


def _standardized(detector: StandardizedDetector, *matrices: Rows) -> list[Floats]:
    return [detector.standardization_.apply(matrix.astype(np.float64)) for matrix in matrices]


@pytest.mark.parametrize("neighbors", [1, 5, 100])
def test_knn_is_the_mean_distance_to_the_neighbours(
    typical: Rows, others: Rows, neighbors: int
) -> None:
    detector = KnnDetector(neighbors).fit(typical)
    fitted, new = _standardized(detector, typical, others)
    search = NearestNeighbors(n_neighbors=min(neighbors, len(typical)), algorithm="brute")
    distances, _ = search.fit(fitted).kneighbors(new)
    assert_allclose(detector.score_samples(others), distances.mean(axis=1), rtol=1e-9)


@pytest.mark.parametrize("rows", [5, 24, 300])
def test_mahalanobis_is_the_distance_under_scikit_learns_shrunk_covariance(
    others: Rows, rows: int
) -> None:
    fitting = np.random.default_rng(3).normal(size=(rows, others.shape[1])).astype(np.float32)
    fitting[:, 1] += fitting[:, 0]
    detector = MahalanobisDetector().fit(fitting)
    fitted, new = _standardized(detector, fitting, others)
    reference = LedoitWolf().fit(fitted)
    assert reference.shrinkage_ > detector.minimum_shrinkage
    assert_allclose(detector.score_samples(others), reference.mahalanobis(new), rtol=1e-8)
    assert ledoit_wolf_shrinkage(fitted - fitted.mean(axis=0)) == pytest.approx(
        reference.shrinkage_, rel=1e-9
    )


def test_mahalanobis_of_two_rows_stays_finite() -> None:
    detector = MahalanobisDetector().fit(np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert np.isfinite(detector.score_samples([[1.0, -1.0], [1e6, 1e6]])).all()


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_pca_is_the_residual_of_scikit_learns_projection(
    typical: Rows, others: Rows, share: float
) -> None:
    detector = PcaDetector(share).fit(typical)
    fitted, new = _standardized(detector, typical, others)
    reference = PCA(n_components=share, svd_solver="full").fit(fitted)
    rebuilt = reference.inverse_transform(reference.transform(new))
    assert len(detector.directions_) == reference.n_components_
    assert_allclose(detector.score_samples(others), ((new - rebuilt) ** 2).mean(axis=1), rtol=1e-9)


def test_pca_always_leaves_a_direction_out() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    detector = PcaDetector(0.99).fit(rows)
    assert detector.directions_.shape == (1, 2)
    assert detector.score_samples(rows).max() > 0


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize("rows", [2, 24, 700])
def test_isolation_forest_reproduces_scikit_learns_exactly(others: Rows, rows: int) -> None:
    fitting = np.random.default_rng(3).normal(size=(rows, others.shape[1])).astype(np.float32)
    detector = IsolationForestDetector(trees=50, seed=9).fit(fitting)
    reference = IsolationForest(
        n_estimators=50,
        max_samples=min(256, rows),
        random_state=seeds.derive(9, "isolation-forest") % 2**32,
    ).fit(fitting)
    new = np.concatenate([others, fitting])
    assert_array_equal(detector.score_samples(new), -reference.score_samples(new))


@pytest.mark.parametrize("activation", ["silu", "relu", "tanh"])
def test_the_autoencoders_score_is_its_networks_error_in_float64(
    typical: Rows, others: Rows, activation: str
) -> None:
    config = {"hidden_dims": (16, 8, 4), "epochs": 5, "activation": activation}
    detector = AutoencoderDetector(config).fit(typical)
    (new,) = _standardized(detector, others)
    with torch.no_grad():
        rebuilt = detector.network().double()(torch.from_numpy(new)).numpy()
    assert {weight.dtype for weight in detector.weights_.values()} == {np.dtype(np.float32)}
    assert_allclose(detector.score_samples(others), ((new - rebuilt) ** 2).mean(axis=1), rtol=1e-9)


def test_a_page_full_of_ink_is_not_excused_by_its_length(make: Make, typical: Rows) -> None:
    """Dividing by the norm would give the drawing with the larger deviation no larger a score."""
    detector = make("autoencoder").fit(typical)
    middle = typical.astype(np.float64).mean(axis=0)
    deviation = np.random.default_rng(4).normal(size=middle.shape)
    scores = detector.score_samples([middle + factor * deviation for factor in (1.0, 2.0, 4.0)])
    assert scores[2] > 2 * scores[1] > 4 * scores[0]


class TestStandardization:
    def test_is_the_common_one_for_what_varies(self, typical: Rows) -> None:
        rows = typical[:, :-3].astype(np.float64)
        fitted = Standardization.fit(rows)
        assert_allclose(fitted.mean, rows.mean(axis=0))
        assert_allclose(fitted.scale, rows.std(axis=0))
        common = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        assert_allclose(fitted.apply(rows), common, atol=0.15 * np.abs(common).max())
        small = np.abs(common) < 1
        assert_allclose(fitted.apply(rows)[small], common[small], rtol=0.01)

    def test_an_unseen_value_of_a_constant_dimension_is_unusual_but_not_without_bound(self) -> None:
        rows = np.random.default_rng(0).normal(size=(30, 20))
        rows[:, 0] = 7.0
        fitted = Standardization.fit(rows)
        for unit in (1e-6, 1.0, 1e6):
            deviation = fitted.apply(rows[0] + unit * np.eye(20)[0])[0]
            assert 0 < deviation <= 2 * np.sqrt(31)
        assert fitted.apply(rows[0] + np.eye(20)[0])[0] > 5

    def test_does_not_depend_on_the_unit(self, typical: Rows, others: Rows) -> None:
        small, large = (
            Standardization.fit(factor * typical.astype(np.float64)).apply(
                factor * others.astype(np.float64)
            )
            for factor in (1.0, 1e-3)
        )
        assert_allclose(small, large, rtol=1e-6)

    def test_one_column_in_a_large_unit_does_not_move_the_floor(self, typical: Rows) -> None:
        years = np.random.default_rng(0).normal(1e4, 1e3, size=len(typical))
        alone = Standardization.fit(typical.astype(np.float64)).scale
        beside = Standardization.fit(np.column_stack([typical, years])).scale
        assert_allclose(beside[:-1], alone, rtol=0.2)

    def test_rounding_is_not_variation(self) -> None:
        scale = Standardization.fit(np.full((7, 3), 0.1)).scale
        assert_array_equal(scale, np.ones(3))


def test_no_row_can_lie_further_out_than_the_limits_reason_says() -> None:
    count = 12
    rows = np.zeros((count, 1))
    rows[0] = 1.0
    deviation = (rows - rows.mean()) / rows.std()
    assert deviation.max() == pytest.approx(np.sqrt(count - 1))


def test_directions_and_dimensions_are_many_more_than_rows(make: Make) -> None:
    rows = np.random.default_rng(0).normal(size=(10, 769)).astype(np.float32)
    for name in ("mahalanobis", "pca"):
        arrays, _ = make(name).fit(rows).get_state()
        assert len(arrays["directions"]) <= 10, "no matrix of the dimensions' square is kept"
