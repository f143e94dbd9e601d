from typing import Any

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import EvaluationError
from deepmed.learning.evaluation.binary import (
    calibrated,
    correct_prevalence,
    evaluate_binary,
    fit_temperature,
    fit_temperature_and_offsets,
)

from .conftest import Study


@pytest.mark.req("X-15.1")
@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_the_temperature_has_the_least_log_loss(study: Study, scale: float) -> None:
    logits = study.logits * scale
    found = fit_temperature(logits, study.labels)
    reference = optimize.minimize_scalar(
        lambda power: log_loss(study.labels, special.expit(logits / np.exp(power))),
        bounds=(np.log(scale) - 4, np.log(scale) + 4),
        options={"xatol": 1e-8},
    )
    assert found == pytest.approx(np.exp(reference.x), rel=1e-4)


def test_several_classes_have_one_temperature_too() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(200, 4)) * 3
    labels = np.array([random.choice(4, p=special.softmax(row / 2.5)) for row in logits])
    found = fit_temperature(logits, labels)
    reference = optimize.minimize_scalar(
        lambda power: log_loss(labels, special.softmax(logits / np.exp(power), axis=1)),
        bounds=(-3, 3),
        options={"xatol": 1e-8},
    )
    assert found == pytest.approx(np.exp(reference.x), rel=1e-4)
    assert found == pytest.approx(2.5, rel=0.35)
    assert calibrated(logits, found).sum(axis=1) == pytest.approx(1.0)


def test_what_weights_of_classes_moved_is_moved_back(study: Study) -> None:
    """A temperature leaves the mean probability wrong; the offset is logistic regression's."""
    moved = 3 * study.logits + 4
    assert calibrated(moved, fit_temperature(moved, study.labels)).mean() > (
        study.labels.mean() + 0.1
    )
    temperature, offsets = fit_temperature_and_offsets(moved, study.labels)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(moved[:, None], study.labels)
    assert 1 / temperature == pytest.approx(reference.coef_[0, 0], rel=1e-4)
    assert offsets == pytest.approx(reference.intercept_, rel=1e-4)
    shares = calibrated(moved, temperature, offsets)
    assert shares.mean() == pytest.approx(study.labels.mean(), abs=1e-9)


def test_of_several_classes_each_is_as_probable_on_average_as_it_is_frequent() -> None:
    random = np.random.default_rng(0)
    labels = random.choice(3, 300, p=[0.6, 0.3, 0.1])
    logits = random.normal(size=(300, 3)) + 2 * np.eye(3)[labels] + [0, 1, 4]
    found = fit_temperature_and_offsets(logits, labels)
    expected = np.bincount(labels) / 300
    assert calibrated(logits, *found).mean(axis=0) == pytest.approx(expected, abs=1e-9)
    assert np.mean(found[1]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("logits", "labels", "why"),
    [
        ([5.0, 6.0, 7.0, 8.0], [0, 0, 1, 1], "without an error"),
        ([5.0, 6.0, 6.0, 8.0], [0, 0, 1, 1], "without an error"),
        ([4.0, 3.0, 2.0, 1.0], [0, 0, 1, 1], "no better than chance"),
        ([4.0, 4.0, 4.0], [0, 0, 1], "no better than chance"),
        ([4.0, 3.0], [0, 0], "each class"),
        ([[3.0, 2, 2], [0, 1, 2], [2, 1, 4]], [0, 1, 2], "without an error"),
    ],
)
def test_offsets_are_refused_where_none_is_best(logits: Any, labels: Any, why: str) -> None:
    with pytest.raises(InsufficientDataError, match=why):
        fit_temperature_and_offsets(logits, labels)


def test_one_logit_is_two_logits_with_nought_for_the_other_class(study: Study) -> None:
    both = np.stack([np.zeros(len(study.logits)), study.logits], axis=1)
    assert fit_temperature(both, study.labels) == fit_temperature(study.logits, study.labels)
    assert calibrated(both)[:, 1] == pytest.approx(calibrated(study.logits))


def test_a_temperature_mends_a_model_that_is_too_sure(study: Study) -> None:
    sure = study.logits * 5
    before = evaluate_binary(study.labels, calibrated(sure), study.patients, 0.5, resamples=20)
    after = evaluate_binary(
        study.labels,
        calibrated(sure, fit_temperature(sure, study.labels)),
        study.patients,
        0.5,
        resamples=20,
    )
    assert after["brier"].estimate < before["brier"].estimate
    assert after["ece"].estimate < before["ece"].estimate
    assert after.confusion == before.confusion  # decisions at 0.5 stay


@pytest.mark.parametrize(
    ("logits", "labels", "reason"),
    [
        ([1.0, -1.0], [1, 0], "without an error"),
        ([1.0, -1.0], [0, 1], "no better than chance"),
        ([0.0, 0.0], [0, 1], "no better than chance"),
        ([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]], [0, 1], "without an error"),
    ],
)
def test_where_no_temperature_is_best_none_is_made_up(
    logits: list[float], labels: list[int], reason: str
) -> None:
    with pytest.raises(InsufficientDataError, match=reason):
        fit_temperature(logits, labels)


@pytest.mark.req("X-15.1")
def test_a_corrected_probability_is_the_share_in_such_a_population() -> None:
    # Two findings; the first is seen in 60 % of the ill and in 20 % of the well.
    ill, well = np.array([0.6, 0.4]), np.array([0.2, 0.8])
    learned = 0.5 * ill / (0.5 * ill + 0.5 * well)
    used = 0.03 * ill / (0.03 * ill + 0.97 * well)
    assert correct_prevalence(learned, learned=0.5, stated=0.03) == pytest.approx(used)
    assert correct_prevalence(used, learned=0.03, stated=0.5) == pytest.approx(learned)


def test_decisions_stay_where_the_threshold_is_corrected_alike(study: Study) -> None:
    scores = np.append(study.probabilities, 0.37)
    corrected = correct_prevalence(scores, learned=0.4, stated=0.05)
    assert ((corrected >= corrected[-1]) == (scores >= 0.37)).all()


def test_several_classes_are_corrected_alike() -> None:
    shares = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    learned, stated = [0.2, 0.3, 0.5], [0.5, 0.25, 0.25]
    weighted = shares * np.array(stated) / np.array(learned)
    assert correct_prevalence(shares, learned, stated) == pytest.approx(
        weighted / weighted.sum(axis=1, keepdims=True)
    )


def test_what_is_no_probability_logit_or_temperature_is_refused() -> None:
    for wrong in (
        lambda: calibrated([0.0], 0.0),
        lambda: calibrated([float("inf")]),
        lambda: calibrated([[1.0], [2.0]]),
        lambda: calibrated([1.0], 1.0, [1.0, 2.0]),
        lambda: fit_temperature([1.0, 2.0], [1]),
        lambda: correct_prevalence([0.5], learned=0.0, stated=0.5),
        lambda: correct_prevalence([1.5], learned=0.1, stated=0.5),
        lambda: correct_prevalence([[0.5, 0.5]], [0.5, 0.4], [0.5, 0.5]),
    ):
        with pytest.raises(EvaluationError):
            wrong()
