"""scikit-learn's own checks over every detector that is registered."""

import re
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepmed.learning.detectors import (
    AutoencoderDetector,
    Detector,
    KnnDetector,
    detector_names,
    make_detector,
)
from deepmed.learning.detectors.errors import DetectorParameterError, TooFewRowsError
from deepmed.learning.errors import InsufficientDataError


def _expected_failures(_detector: Detector) -> dict[str, str]:
    return {
        "check_outliers_train": (
            "It wants decision_function = score_samples - offset_. Our score is higher for the "
            "more abnormal (house rule 6), so ours is offset_ - score_samples; all else that the "
            "check asks is asked in test_cut_follows_scikit_learn."
        )
    }


def _detectors() -> list[Detector]:
    fast: dict[str, dict[str, Any]] = {"isolation_forest": {"trees": 20}}
    fast["autoencoder"] = {"config": {"epochs": 5}}
    return [make_detector(name, **fast.get(name, {})) for name in detector_names()]


@pytest.mark.req("D-15.1")
@parametrize_with_checks(_detectors(), expected_failed_checks=_expected_failures)
def test_estimator_check(estimator: Detector, check: Any) -> None:
    try:
        check(estimator)
    except SkipTest as skipped:
        # Frames and foreign array libraries are none of our inputs: those two parts do not apply.
        if not re.search("pandas is not installed|SCIPY_ARRAY_API", str(skipped)):
            raise


@pytest.mark.req("D-15.1")
@pytest.mark.parametrize("detector", _detectors(), ids=lambda detector: detector.name)
def test_cut_follows_scikit_learn(detector: Detector) -> None:
    rows = np.random.default_rng(0).normal(size=(100, 4))
    scores = detector.fit(rows.tolist()).score_samples(rows)
    decisions, predictions = detector.decision_function(rows), detector.predict(rows)
    assert scores.dtype == decisions.dtype == np.float64
    assert_allclose(decisions, detector.offset_ - scores)
    assert_array_equal(predictions, np.where(decisions >= 0, 1, -1))
    assert (predictions == -1).mean() == pytest.approx(0.05, abs=0.02)
    for method in (detector.score_samples, detector.decision_function, detector.predict):
        with pytest.raises(ValueError, match="features"):
            method(rows.T)


@pytest.mark.parametrize("detector", _detectors(), ids=lambda detector: detector.name)
def test_refuses_what_cannot_be_fitted(detector: Detector) -> None:
    with pytest.raises(TooFewRowsError, match="at least 2"):
        detector.fit([[1.0, 2.0]])
    for hole in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            detector.fit([[1.0, 2.0], [hole, 3.0]])
    assert issubclass(TooFewRowsError, InsufficientDataError)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("knn", {"neighbors": 0}),
        ("mahalanobis", {"minimum_shrinkage": 0.0}),
        ("pca", {"variance_share": 1.0}),
        ("isolation_forest", {"trees": 0}),
        ("isolation_forest", {"samples": 1}),
        ("autoencoder", {"seed": -1}),
    ],
)
def test_parameters_are_checked_at_fit(name: str, parameters: dict[str, Any]) -> None:
    detector = make_detector(name).set_params(**parameters)
    with pytest.raises(DetectorParameterError):
        detector.fit(np.eye(3))


@pytest.mark.parametrize("detector", _detectors(), ids=lambda detector: detector.name)
def test_rows_that_are_all_the_same_can_be_fitted(detector: Detector) -> None:
    same = np.full((6, 5), 0.1)
    typical, unusual = detector.fit(same).score_samples([same[0], same[0] + 3.0])
    assert np.isfinite([typical, unusual]).all()
    if detector.name != "isolation_forest":  # its trees find no cut and cannot tell rows apart
        assert unusual > typical


def test_repr_names_the_parameters() -> None:
    assert repr(KnnDetector(neighbors=2)) == "KnnDetector(neighbors=2)"
    assert AutoencoderDetector().get_params() == {"config": None, "seed": None}
