import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics

from deepmed.kit.seeds import generator
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation.binary import delong_test, paired_differences

from .conftest import Study, make_study


def rival(study: Study, noise: float, seed: int = 9) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.round(special.expit(study.logits + noise * random.normal(size=len(study.logits))), 3)


def structural(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's components by comparing each pair."""
    ill, well = scores[labels == 1][:, None], scores[labels == 0][None, :]
    wins = (ill > well) + 0.5 * (ill == well)
    return wins.mean(axis=1), wins.mean(axis=0)


def test_with_one_image_a_patient_it_is_delongs_test() -> None:
    study = make_study(80)
    first, second = np.round(study.probabilities, 2), np.round(rival(study, 3.0), 2)
    test = delong_test(study.labels, first, second, range(len(study.labels)))
    of_ill, of_well = zip(*(structural(study.labels, one) for one in (first, second)), strict=True)
    covariance = np.cov(of_ill) / len(of_ill[0]) + np.cov(of_well) / len(of_well[0])
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    difference = of_ill[0].mean() - of_ill[1].mean()
    assert test.first == pytest.approx(metrics.roc_auc_score(study.labels, first))
    assert test.second == pytest.approx(metrics.roc_auc_score(study.labels, second))
    assert test.standard_error == pytest.approx(error)
    assert test.p_value == pytest.approx(2 * stats.norm.sf(abs(difference) / error))
    assert test.to_dict()["difference"] == pytest.approx(difference)


def test_a_patients_images_are_no_further_evidence() -> None:
    study = make_study(60)
    other = rival(study, 3.0)
    ids = np.arange(len(study.labels))
    once = delong_test(study.labels, study.probabilities, other, ids)
    fourfold = delong_test(
        np.tile(study.labels, 4),
        np.tile(study.probabilities, 4),
        np.tile(other, 4),
        np.tile(ids, 4),
    )
    assert fourfold.standard_error == pytest.approx(once.standard_error)
    assert fourfold.p_value == pytest.approx(once.p_value)


def test_of_two_equals_one_wins_about_as_often_as_stated() -> None:
    verdicts = []
    for seed in range(150):
        study = make_study(50, seed)
        pair = [rival(study, 3.0, 1000 * k + seed) for k in (1, 2)]
        verdicts.append(delong_test(study.labels, *pair, study.patients).p_value <= 0.05)
    assert np.mean(verdicts) < 0.12


def test_a_difference_is_that_of_the_same_patients_in_both(study: Study) -> None:
    other = rival(study, 4.0)
    found = paired_differences(
        study.labels, study.probabilities, other, study.patients, thresholds=(0.5, 0.3),
        resamples=40, seed=2,
    )  # fmt: skip
    truth = study.labels
    assert found["auroc"].estimate == pytest.approx(
        metrics.roc_auc_score(truth, study.probabilities) - metrics.roc_auc_score(truth, other)
    )
    names = list(dict.fromkeys(study.patients.tolist()))
    random, values = generator(2, "child-bootstrap"), []
    for _ in range(40):
        chosen = [names[place] for place in random.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(study.patients == name) for name in chosen])
        values.append(
            metrics.f1_score(truth[rows], study.probabilities[rows] >= 0.5)
            - metrics.f1_score(truth[rows], other[rows] >= 0.3)
        )
    low, high = np.quantile(values, [0.025, 0.975])
    assert (found["f1"].low, found["f1"].high) == pytest.approx((low, high))


def test_a_model_does_not_beat_itself_and_beats_noise(study: Study) -> None:
    scores = study.probabilities
    same = paired_differences(
        study.labels, scores, scores, study.patients, thresholds=(0.5, 0.5), resamples=50
    )
    assert all(figure.estimate == 0 for figure in same.values())
    assert not any(figure.wholly_above(0.0) for figure in same.values())
    noise = np.random.default_rng(0).random(len(scores))
    better = paired_differences(
        study.labels, scores, noise, study.patients, thresholds=(0.5, 0.5), resamples=200
    )
    assert better["auroc"].wholly_above(0.0)
    assert better["brier"].high < 0


def test_a_test_without_scatter_or_patients_is_refused(study: Study) -> None:
    with pytest.raises(InsufficientDataError, match="order these images alike"):
        delong_test(study.labels, study.probabilities, study.probabilities, study.patients)
    with pytest.raises(InsufficientDataError, match="two patients"):
        delong_test([0, 1, 1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], "abc")
