"""Metrics against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from deepmed.learning.classification import MetricsHandler
from deepmed.learning.classification.callbacks.batches import batch_measures

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 2, 60)
CHANCES = np.clip(0.35 * LABELS + RANDOM.random(60) * 0.65, 0, 1).astype(np.float32)
SEVERAL = RANDOM.integers(0, 3, 60)
SPREAD = RANDOM.dirichlet([1.0, 1.0, 1.0], 60).astype(np.float32)


def ece(chances: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    places = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [
        (places == one).mean() * abs(chances[places == one].mean() - right[places == one].mean())
        for one in np.unique(places)
    ]
    return float(sum(gaps))


@pytest.mark.req("X-7.1")
def test_metrics_of_two_classes_are_those_of_another_library() -> None:
    handler = MetricsHandler(1)
    for part in range(0, 60, 20):
        chosen = slice(part, part + 20)
        handler.update(torch.tensor(CHANCES[chosen]), torch.tensor(LABELS[chosen]))
    found = handler.gathered()
    said = (CHANCES > 0.5).astype(int)
    tn, fp, fn, tp = reference.confusion_matrix(LABELS, said).ravel()
    assert found == pytest.approx(
        {
            "acc": reference.accuracy_score(LABELS, said),
            "precision": reference.precision_score(LABELS, said),
            "recall": reference.recall_score(LABELS, said),
            "f1": reference.f1_score(LABELS, said),
            "auroc": reference.roc_auc_score(LABELS, CHANCES),
            "auprc": reference.average_precision_score(LABELS, CHANCES),
            "specificity": tn / (tn + fp),
            "ece": ece(CHANCES, LABELS),
            "cm_tn": tn,
            "cm_fp": fp,
            "cm_fn": fn,
            "cm_tp": tp,
        },
        abs=1e-5,
    )


@pytest.mark.req("X-7.1")
def test_metrics_of_three_classes_are_those_of_another_library() -> None:
    found = MetricsHandler(3).compute(torch.tensor(SPREAD), torch.tensor(SEVERAL))
    said = SPREAD.argmax(axis=1)
    mean = {"average": "macro"}
    one_hot = np.eye(3)[SEVERAL]
    tables = reference.multilabel_confusion_matrix(SEVERAL, said)
    assert found == pytest.approx(
        {
            "acc": reference.accuracy_score(SEVERAL, said),
            "precision": reference.precision_score(SEVERAL, said, **mean),
            "recall": reference.recall_score(SEVERAL, said, **mean),
            "f1": reference.f1_score(SEVERAL, said, **mean),
            "auroc": reference.roc_auc_score(SEVERAL, SPREAD, multi_class="ovr"),
            "auprc": reference.average_precision_score(one_hot, SPREAD),
            "specificity": np.mean([table[0, 0] / table[0].sum() for table in tables]),
            "ece": ece(SPREAD.max(axis=1), said == SEVERAL),
        },
        abs=1e-5,
    )


def test_what_was_gathered_is_forgotten_on_demand() -> None:
    handler = MetricsHandler(1)
    handler.update(torch.tensor([0.9, 0.1]), torch.tensor([0, 1]))
    handler.reset()
    handler.update(torch.tensor([0.9, 0.1]), torch.tensor([1, 0]))
    assert handler.gathered()["acc"] == 1


@pytest.mark.parametrize("classes", [1, 3])
def test_a_ranking_of_one_class_alone_is_no_number(classes: int) -> None:
    chances = torch.rand(4) if classes == 1 else torch.rand(4, 3).softmax(1)
    found = MetricsHandler(classes).compute(chances, torch.zeros(4, dtype=torch.int64))
    assert math.isnan(found["auroc"])
    assert math.isnan(found["auprc"])
    assert 0 <= found["acc"] <= 1


def test_a_batch_is_measured_as_a_whole_split_is() -> None:
    two = batch_measures(torch.tensor(CHANCES), torch.tensor(LABELS))
    said = CHANCES > 0.5
    assert two["recall"] == pytest.approx(reference.recall_score(LABELS, said))
    assert two["f1"] == pytest.approx(reference.f1_score(LABELS, said))
    three = batch_measures(torch.tensor(SPREAD), torch.tensor(SEVERAL))
    best = SPREAD.argmax(axis=1)
    assert three["accuracy"] == pytest.approx(reference.accuracy_score(SEVERAL, best))
    assert three["f1"] == pytest.approx(reference.f1_score(SEVERAL, best, average="macro"))
