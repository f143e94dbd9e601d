import json

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

from deepmed.kit.seeds import generator
from deepmed.learning.evaluation import EvaluationError
from deepmed.learning.evaluation.binary import evaluate_multiclass

CLASSES = ("normal", "bacterial", "viral")


def sample(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    shares = special.softmax(random.normal(size=(n, 3)) + 1.5 * np.eye(3)[labels], axis=1)
    return labels, shares, np.arange(n) // 2


@pytest.mark.req("X-15.3")
def test_figures_of_several_classes_are_scikit_learns() -> None:
    labels, shares, patients = sample()
    report = evaluate_multiclass(labels, shares, patients, CLASSES, resamples=20)
    called = shares.argmax(axis=1)
    assert np.array(report.confusion).tolist() == metrics.confusion_matrix(labels, called).tolist()
    one_hot = np.eye(3)[labels]
    wanted = {
        "accuracy": metrics.accuracy_score(labels, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, called),
        "macro_auroc": metrics.roc_auc_score(labels, shares, multi_class="ovr"),
        "macro_auprc": metrics.average_precision_score(one_hot, shares, average="macro"),
        "macro_f1": metrics.f1_score(labels, called, average="macro"),
        "macro_ppv": metrics.precision_score(labels, called, average="macro"),
        "macro_sensitivity": metrics.recall_score(labels, called, average="macro"),
        "brier": ((shares - one_hot) ** 2).sum(axis=1).mean(),
    }
    assert {name: report[name].estimate for name in wanted} == pytest.approx(wanted)
    for number, name in enumerate(CLASSES):
        own = report.by_class[name]
        assert own["auroc"].estimate == pytest.approx(
            metrics.roc_auc_score(labels == number, shares[:, number])
        )
        assert own["specificity"].estimate == pytest.approx(
            metrics.recall_score(labels != number, called != number)
        )


@pytest.mark.req("X-15.3")
def test_intervals_of_several_classes_are_those_of_drawing_patients() -> None:
    labels, shares, patients = sample()
    report = evaluate_multiclass(labels, shares, patients, CLASSES, resamples=30, seed=4)
    names = list(range(60))
    random, values = generator(4, "child-bootstrap"), []
    for _ in range(30):
        chosen = random.integers(0, len(names), len(names))
        rows = np.concatenate([np.flatnonzero(patients == name) for name in chosen])
        values.append(metrics.roc_auc_score(labels[rows], shares[rows], multi_class="ovr"))
    low, high = np.quantile(values, [0.025, 0.975])
    assert (report["macro_auroc"].low, report["macro_auroc"].high) == pytest.approx((low, high))


def test_a_class_without_images_takes_the_means_away_and_is_named() -> None:
    labels, shares, patients = sample()
    report = evaluate_multiclass(np.minimum(labels, 1), shares, patients, CLASSES, resamples=20)
    assert report["macro_auroc"].estimate is None
    assert report["macro_auroc"].reason == "No image is of the class viral."
    assert report["accuracy"].estimate is not None
    assert report.by_class["viral"]["auroc"].estimate is None
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["n_items"] == 120


def test_the_calibration_error_is_that_of_the_chosen_class() -> None:
    shares = np.array([[0.8, 0.1, 0.1]] * 10)
    labels = [0] * 6 + [1] * 4
    report = evaluate_multiclass(labels, shares, range(10), CLASSES, resamples=20)
    assert report["ece"].estimate == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("shares", "classes", "reason"),
    [
        ([[0.5, 0.4], [0.5, 0.5]], ("a", "b"), "sum to 1"),
        ([[0.5, 0.5], [0.5, 0.5]], ("a", "a"), "different names"),
        ([0.5, 0.5], ("a", "b"), "do not fit"),
    ],
)
def test_what_does_not_fit_is_refused(
    shares: list[list[float]], classes: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(EvaluationError, match=reason):
        evaluate_multiclass([0, 1], shares, "ab", classes)
