"""Every figure against scikit-learn, torchmetrics or a count by hand; intervals by hand too."""

import json
import time

import numpy as np
import pytest
import torch
from scipy import special
from sklearn import metrics
from torchmetrics.functional.classification import binary_calibration_error

from deepmed.kit.seeds import generator
from deepmed.learning.errors import InsufficientDataError
from deepmed.learning.evaluation import EvaluationError, auroc_interval, wilson_bounds
from deepmed.learning.evaluation.binary import evaluate_binary
from deepmed.learning.evaluation.binary.bounds import SCATTER, WIDENED

from .conftest import Study, make_study


@pytest.mark.req("X-15.3")
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.83])
def test_figures_are_those_of_scikit_learn_and_torchmetrics(study: Study, threshold: float) -> None:
    truth, scores = study.labels, study.probabilities
    called = scores >= threshold
    wanted = {
        "auroc": metrics.roc_auc_score(truth, scores),
        "auprc": metrics.average_precision_score(truth, scores),
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(truth, called, pos_label=0),
        "ppv": metrics.precision_score(truth, called),
        "npv": metrics.precision_score(truth, called, pos_label=0),
        "accuracy": metrics.accuracy_score(truth, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
        "f1": metrics.f1_score(truth, called),
        "brier": metrics.brier_score_loss(truth, scores),
        "ece": float(
            binary_calibration_error(torch.tensor(scores), torch.tensor(truth), n_bins=15)
        ),
        "prevalence": truth.mean(),
    }
    report = evaluate_binary(truth, scores, study.patients, threshold, resamples=20)
    assert {name: report[name].estimate for name in wanted} == pytest.approx(wanted, abs=1e-7)


@pytest.mark.req("X-15.3")
def test_every_figure_of_the_decision_recomputes_from_the_confusion_matrix(study: Study) -> None:
    report = evaluate_binary(
        study.labels, study.probabilities, study.patients, 0.4, prevalence=0.03, resamples=20
    )
    counts = report.confusion
    (tn, fp), (fn, tp) = metrics.confusion_matrix(study.labels, study.probabilities >= 0.4)
    assert (counts.true_positives, counts.true_negatives) == (tp, tn)
    assert (counts.false_positives, counts.false_negatives) == (fp, fn)
    names = {
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "accuracy": (tp + tn) / (tp + tn + fp + fn),
        "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "prevalence": (tp + fn) / (tp + tn + fp + fn),
    }
    assert {name: report[name].estimate for name in names} == pytest.approx(names)
    own = {"ppv": counts.precision, "npv": counts.negative_predictive_value}
    mine = {name: own.get(name, getattr(counts, name, None)) for name in names}
    assert mine == pytest.approx(names)


@pytest.mark.req("X-15.1")
def test_predictive_values_are_those_of_a_population_of_the_stated_prevalence() -> None:
    labels = [1] * 10 + [0] * 20
    scores = [0.9] * 8 + [0.1] * 2 + [0.9] * 5 + [0.1] * 15
    report = evaluate_binary(labels, scores, range(30), 0.5, prevalence=0.02, resamples=20)
    # Of 10,000 people 200 are ill; 160 of them are found, and a quarter of 9,800 raise an alarm.
    assert report["ppv_at_prevalence"].estimate == pytest.approx(160 / (160 + 2450))
    assert report["npv_at_prevalence"].estimate == pytest.approx(7350 / (7350 + 40))
    assert report.confusion.ppv_at(0.02) == pytest.approx(160 / (160 + 2450))
    assert report.confusion.npv_at(0.02) == pytest.approx(7350 / (7350 + 40))
    assert report["ppv"].estimate == pytest.approx(8 / 13)


def test_predictive_values_need_a_stated_prevalence(study: Study) -> None:
    report = evaluate_binary(study.labels, study.probabilities, study.patients, 0.5, resamples=20)
    assert report["ppv_at_prevalence"].estimate is None
    assert report["ppv_at_prevalence"].reason == "No prevalence was stated."
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        evaluate_binary(study.labels, study.probabilities, study.patients, 0.5, prevalence=5.0)


@pytest.mark.req("X-15.3")
@pytest.mark.req("V-2.1")
def test_intervals_are_those_of_drawing_whole_patients_by_hand(study: Study) -> None:
    settings = {"resamples": 40, "seed": 3}
    report = evaluate_binary(
        study.labels, study.probabilities, study.patients, 0.5, prevalence=0.2, **settings
    )
    names = list(dict.fromkeys(study.patients.tolist()))
    random = generator(3, "child-bootstrap")
    drawn: dict[str, list[float]] = {"f1": [], "brier": [], "auprc": [], "sensitivity": []}
    for _ in range(40):
        chosen = [names[place] for place in random.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(study.patients == name) for name in chosen])
        truth, scores = study.labels[rows], study.probabilities[rows]
        drawn["f1"].append(metrics.f1_score(truth, scores >= 0.5))
        drawn["brier"].append(metrics.brier_score_loss(truth, scores))
        drawn["auprc"].append(metrics.average_precision_score(truth, scores))
        drawn["sensitivity"].append(metrics.recall_score(truth, scores >= 0.5))
    for name, values in drawn.items():
        low, high = np.quantile(values, [0.025, 0.975])
        assert (report[name].low, report[name].high) == pytest.approx((low, high)), name
    interval = report["sensitivity"].interval
    assert interval is not None
    ill = set(study.patients[study.labels == 1].tolist())
    assert (interval.unit, interval.sample_size, interval.n_items) == (
        "patient",
        len(ill),
        study.labels.sum(),
    )


def test_the_interval_of_auroc_is_the_one_that_drawings_have(study: Study) -> None:
    order = np.argsort(study.labels, kind="stable")
    truth, scores, ids = study.labels[order], study.probabilities[order], study.patients[order]
    negative = truth == 0
    other = auroc_interval(
        scores[negative], scores[~negative], ids[negative], ids[~negative], 5, resamples=200
    )
    mine = evaluate_binary(truth, scores, ids, 0.5, resamples=200, seed=5)["auroc"]
    assert (mine.estimate, mine.low, mine.high) == pytest.approx(
        (other.estimate, other.low, other.high)
    )


def test_shares_close_to_one_are_widened_to_wilsons_interval() -> None:
    labels = [1] * 40 + [0] * 40
    scores = [0.1] + [0.9] * 39 + [0.1] * 40
    report = evaluate_binary(labels, scores, range(80), 0.5, prevalence=0.1, resamples=300)
    sensitivity, specificity = report["sensitivity"], report["specificity"]
    assert sensitivity.interval is not None
    assert WIDENED in sensitivity.interval.method
    low, high = wilson_bounds(39 / 40, 40)
    assert sensitivity.low <= low
    assert sensitivity.high >= high
    # Nothing was wrong with the negatives: no certainty follows from that.
    assert (specificity.low, specificity.high) == pytest.approx(wilson_bounds(1.0, 40))
    ppv = report["ppv_at_prevalence"]
    assert ppv.estimate == 1.0
    assert specificity.low is not None
    worst = low * 0.1 / (low * 0.1 + (1 - specificity.low) * 0.9)
    assert ppv.low == pytest.approx(worst)


def test_the_calibration_error_of_a_perfect_model_is_not_told_from_nothing() -> None:
    random = np.random.default_rng(0)
    kept = 0
    for seed in range(20):
        scores = special.expit(2 * random.normal(size=300))
        labels = random.random(300) < scores
        figure = evaluate_binary(labels, scores, range(300), 0.5, resamples=100, seed=seed)["ece"]
        assert figure.interval is not None
        assert SCATTER in figure.interval.method
        kept += figure.low == 0.0
    assert kept >= 18
    too_sure = special.expit(4 * special.logit(scores))
    figure = evaluate_binary(labels, too_sure, range(300), 0.5, resamples=100)["ece"]
    assert figure.wholly_above(0.0)


@pytest.mark.req("X-15.3")
def test_an_undefined_figure_is_none_with_the_reason_and_never_zero() -> None:
    healthy = evaluate_binary([0] * 8, [0.1] * 8, range(8), 0.5, prevalence=0.5, resamples=20)
    undefined = {"auroc", "auprc", "sensitivity", "ppv", "balanced_accuracy", "f1"}
    undefined |= {"ppv_at_prevalence", "npv_at_prevalence"}
    assert {name for name, one in healthy.figures.items() if one.estimate is None} == undefined
    assert all(healthy[name].reason for name in undefined)
    assert healthy.confusion.sensitivity is None
    assert healthy.confusion.ppv_at(0.5) is None
    assert healthy.confusion.npv_at(0.5) is None
    assert healthy.confusion.balanced_accuracy is None
    assert healthy["specificity"].estimate == 1.0
    nobody = evaluate_binary([0, 1] * 5, [0.1] * 10, range(10), 0.5, prevalence=0.5, resamples=20)
    assert nobody["sensitivity"].estimate == 0.0  # defined: none of five was found
    assert nobody["ppv"].estimate is None
    assert nobody["ppv_at_prevalence"].estimate is None


def test_few_patients_have_estimates_without_intervals() -> None:
    report = evaluate_binary([0, 1, 0, 1] * 9, [0.1, 0.9, 0.2, 0.4] * 9, [0, 1, 2, 3] * 9, 0.5)
    figure = report["sensitivity"]
    assert (figure.estimate, figure.interval, figure.low, figure.high) == (0.5, None, None, None)
    assert figure.reason == "It rests on 2 patients; an interval needs 5."
    told = figure.to_dict()
    assert (told["unit"], told["sample_size"], told["n_items"]) == ("patient", 2, 18)
    assert (told["low"], told["level"], told["method"]) == (None, None, None)
    assert not figure.wholly_above(0.0)


def test_a_report_goes_into_json_with_the_same_names_throughout(study: Study) -> None:
    report = evaluate_binary(
        study.labels, study.probabilities, study.patients, 0.5, resamples=20, split="test"
    )
    stored = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert len({frozenset(figure) for figure in stored["figures"].values()}) == 1
    assert stored["figures"]["auroc"]["split"] == "test"
    assert stored["confusion"]["true_positives"] == report.confusion.true_positives
    assert sum(row["n"] for row in stored["reliability"]) == report.n_items


def test_the_order_of_images_within_patients_changes_nothing(study: Study) -> None:
    order = np.lexsort((np.random.default_rng(0).random(len(study.labels)), study.patients))
    first = evaluate_binary(study.labels, study.probabilities, study.patients, 0.5, resamples=20)
    second = evaluate_binary(
        study.labels[order], study.probabilities[order], study.patients[order], 0.5, resamples=20
    )
    assert second["auroc"].low == pytest.approx(first["auroc"].low)
    assert second["ece"].high == pytest.approx(first["ece"].high)


def test_ten_thousand_images_take_seconds() -> None:
    study = make_study(5000)
    began = time.process_time()
    report = evaluate_binary(study.labels, study.probabilities, study.patients, 0.5)
    assert report.n_items > 9000
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("labels", "scores", "patients", "reason"),
    [
        ([0, 2], [0.1, 0.2], "ab", "whole numbers from 0 to 1"),
        ([0, 1], [0.1, 1.2], "ab", "within 0 and 1"),
        ([0, 1], [0.1, float("nan")], "ab", "within 0 and 1"),
        ([0, 1], [0.1], "ab", "do not fit"),
        ([0, 1], [0.1, 0.2], "a", "1 patient ids"),
        ([0, 1], [0.1, 0.2], ["a", None], "needs a patient id"),
        ([[0, 1]], [0.1, 0.2], "ab", "one row"),
    ],
)
def test_what_does_not_fit_is_refused(
    labels: list[int], scores: list[float], patients: str, reason: str
) -> None:
    with pytest.raises(EvaluationError, match=reason):
        evaluate_binary(labels, scores, patients, 0.5)


def test_no_images_have_no_figures() -> None:
    with pytest.raises(InsufficientDataError, match="no images"):
        evaluate_binary([], [], [], 0.5)


def test_an_interval_needs_a_resample_and_a_level(study: Study) -> None:
    for wrong in ({"resamples": 0}, {"level": 1.0}):
        with pytest.raises(EvaluationError, match="level between 0 and 1"):
            evaluate_binary(study.labels, study.probabilities, study.patients, 0.5, **wrong)


def test_what_is_drawn_may_be_an_image_whose_patient_nobody_knows() -> None:
    report = evaluate_binary(
        [0, 1] * 9, [0.2, 0.9] * 9, range(18), 0.5, resamples=20, unit="patient or image"
    )
    found = report["auroc"].to_dict()
    assert found["unit"] == "patient or image"
    assert found["method"].startswith("patient or image bootstrap")
    few = evaluate_binary([0, 1], [0.2, 0.9], range(2), 0.5, unit="image")["sensitivity"]
    assert few.reason == "It rests on 1 images; an interval needs 5."
