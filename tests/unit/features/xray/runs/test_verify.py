"""A run's figures counted again, and what is not right about changed ones."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from deepmed.core.home import Home
from deepmed.core.registry.manifest import Package
from deepmed.features.xray.preparation.splitting import audit_published
from deepmed.features.xray.runs import artifact, map_checks, oracle
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.rescoring import rescore
from deepmed.features.xray.runs.scored import ScoredPart
from deepmed.features.xray.runs.verify import (
    Check,
    Stored,
    _crossings,
    _figures,
    _predictions,
    _temperature,
    count_again,
    recompute,
)
from deepmed.learning.evaluation.binary import OperatingPoint, evaluate_multiclass
from deepmed.learning.imaging.rows import ImageRow

from .test_trainer import run_of


@pytest.fixture(scope="session")
def package(trained: Home) -> Package:
    return trained.registry.package((run_of(trained).results or {})["artifact"])


def counted(package: Package) -> list[Check]:
    manifest = package.manifest
    return recompute(package.files, manifest.metrics, manifest.provenance["configuration"])


def wrong(package: Package, name: str, change: Callable[[Any], None]) -> set[str]:
    content = json.loads(package.files[name])
    change(content)
    manifest = package.manifest
    checks = count_again(
        {**package.files, name: json.dumps(content).encode()},
        manifest.metrics,
        manifest.provenance["configuration"],
    )
    return disagreeing(checks)


def disagreeing(checks: Iterable[Check]) -> set[str]:
    return {check.figure for check in checks if not check.agrees}


@pytest.mark.req("V-2.2")
def test_every_figure_comes_out_again(package: Package) -> None:
    checks = counted(package)
    assert [check for check in checks if not check.agrees] == []
    figures = {check.figure for check in checks}
    for part in ("validation", "test"):
        for name in package.manifest.metrics[part]["report"]["figures"]:
            assert f"{part}.report.{name}" in figures
            assert f"{part}.at_half.{name}" in figures
    assert {"threshold", "split digest", "test probabilities"} <= figures


@pytest.mark.req("V-2.2")
def test_a_changed_prediction_is_found(package: Package) -> None:
    def change(predictions: Any) -> None:
        record = predictions["test"][0]
        record["probability"] = 1 - record["probability"]

    found = wrong(package, artifact.PREDICTIONS, change)
    assert {"test probabilities", "test.report.brier"} <= found


@pytest.mark.req("V-2.2")
def test_a_changed_figure_a_changed_split_and_a_changed_label_are_found(package: Package) -> None:
    def figure(evaluation: Any) -> None:
        evaluation["test"]["report"]["figures"]["auroc"]["estimate"] = 0.123

    def swap(split: Any) -> None:
        split["parts"]["train"].append(split["parts"]["test"][0])

    def label(predictions: Any) -> None:
        predictions["test"][0]["label"] ^= 1

    found = wrong(package, artifact.EVALUATION, figure)
    assert {"test.report.auroc", "evaluation of the manifest"} <= found
    found = wrong(package, artifact.SPLIT, swap)
    assert {"split digest", "patients in training and test"} <= found
    assert "test images outside the split" in wrong(package, artifact.PREDICTIONS, label)


@pytest.mark.req("V-2.2")
def test_a_changed_decision_temperature_and_count_are_found(package: Package) -> None:
    def decision(predictions: Any) -> None:
        predictions["test"][0]["decision"] ^= 1

    def warmer(model: Any) -> None:
        model["operating_point"]["temperature"] *= 1.01

    def fewer(predictions: Any) -> None:
        del predictions["test"][0]

    def more(intake: Any) -> None:
        intake["parts"][0]["total"] += 1

    found = wrong(package, artifact.PREDICTIONS, decision)
    assert found == {"test decisions other than of their probability"}
    assert {"temperature", "test probabilities"} <= wrong(package, artifact.MODEL, warmer)
    assert "test images scored or rejected" in wrong(package, artifact.PREDICTIONS, fewer)
    assert wrong(package, artifact.INTAKE, more) == {"train rows"}


@pytest.mark.req("V-2.2")
@pytest.mark.req("V-4.1")
def test_a_changed_verdict_on_heat_maps_is_found(package: Package) -> None:
    def better(model: Any) -> None:
        for found in model[map_checks.RECORD]["methods"].values():
            for told in found["depths"].values():
                told["passed"] = not told["passed"]
                told["correlations"][0] += 0.5

    found = wrong(package, artifact.MODEL, better)
    assert {
        "maps by grad_cam, all: correlation", "maps by grad_cam, all: passed"
    } <= found  # fmt: skip


@pytest.mark.req("V-2.2")
def test_what_crosses_validation_and_test_is_found(package: Package) -> None:
    def image(split: Any) -> None:
        split["parts"]["test"][0][1] = split["parts"]["validation"][0][1]

    def patient(split: Any) -> None:
        split["parts"]["test"][0][3] = split["parts"]["validation"][0][3]

    assert "equal images in validation and test" in wrong(package, artifact.SPLIT, image)
    assert "patients in validation and test" in wrong(package, artifact.SPLIT, patient)


def published() -> Any:
    """A split in which validation and test share an image, and a patient."""
    rows = [
        ImageRow(f"f{one}", Path(f"f{one}"), f"p{one}", one % 2, f"{one:064}") for one in range(12)
    ]
    rows[8] = replace(rows[8], digest=rows[4].digest)
    rows[9] = replace(rows[9], patient=rows[5].patient)
    plan = audit_published(rows[:4], rows[4:8], rows[8:])
    return json.loads(plan.to_json())


@pytest.mark.req("V-2.2")
def test_of_a_published_split_what_crosses_is_what_its_audit_told() -> None:
    split = published()
    of = partial(Stored, {}, {}, intake={}, evaluation={}, configuration={})
    assert {one["kind"] for one in split["audit"]["crossing"]} == {"image", "patient"}
    assert disagreeing(_crossings(of(split=split))) == set()
    split["audit"] |= {"crossing": [], "bound": []}
    assert disagreeing(_crossings(of(split=split))) == {
        "equal images in validation and test",
        "patients in validation and test",
    }


def scored(classes: int, *, weighted: bool) -> Stored:
    """What a network of no worth but for chance said of 60 images."""
    random = np.random.default_rng(classes)
    labels = np.arange(60) % classes
    logits = random.normal(0, 3, (60, classes if classes > 2 else 1))
    logits[:, -1] += 2.0 * (labels == classes - 1)
    records = tuple(
        {"image": f"f{n}", "digest": "d", "patient": f"p{n}", "label": int(label), "attributes": {},
         "logits": logits[n].tolist()}
        for n, label in enumerate(labels)
    )  # fmt: skip
    part = ScoredPart(records)
    point = OperatingPoint.fit(part.logits, part.labels, part.patients, classes_weighted=weighted)
    rows = [[one["image"], "d", one["label"], one["patient"]] for one in records]
    return Stored(
        {"validation": part.with_probabilities(point)},
        {"operating_point": point.to_dict()},
        {"parts": {"validation": rows}},
        {"parts": [{"part": "validation", "total": 60, "rejections": []}]},
        {},
        {},
    )


@pytest.mark.req("V-2.2")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_calibration_probabilities_and_decisions_come_out_again_of_any_classes(
    *, classes: int, weighted: bool
) -> None:
    stored = scored(classes, weighted=weighted)
    checks = [*_predictions(stored), *_temperature(stored)]
    assert disagreeing(checks) == set()
    assert ("offsets" in {check.figure for check in checks}) is weighted
    assert stored.point["temperature"] != 1
    record: Any = stored.predictions["validation"][0]
    record["decision"] = (record["decision"] + 1) % classes
    said = record["probability"]
    record["probability"] = [said[0] + 1e-6, *said[1:]] if classes > 2 else said + 1e-6
    assert disagreeing(_predictions(stored)) == {
        "validation probabilities", "validation decisions other than of their probability"
    }  # fmt: skip
    other: Any = stored.point
    other["temperature"] *= 1.001
    if weighted:
        other["offsets"][0] += 0.01
    found = disagreeing(_temperature(stored))
    assert found == {"temperature", *(["offsets"] if weighted else [])}


def test_the_oracle_knows_certain_answers_too() -> None:
    assert oracle.shares([-800.0], 0.5) == [1.0, 0.0]
    assert oracle.shares([800.0], 0.5) == [0.0, 1.0]
    assert oracle.shares([-4000.0, 0.0, -4000.0], 1.0) == [0.0, 1.0, 0.0]
    assert oracle.temperature([0, 1], [[-1.0], [1.0]]) is None
    assert oracle.temperature([1, 0], [[-1.0], [1.0]]) is None


@pytest.mark.req("V-2.2")
def test_images_are_scored_again(trained: Home, package: Package) -> None:
    folder = folder_of(trained, run_of(trained))
    checks = rescore(package.files, folder, 0)
    assert len(checks) == 20
    assert all(check.agrees for check in checks)
    point = json.loads(package.files[artifact.MODEL])
    point["operating_point"]["temperature"] *= 2
    other = {**package.files, artifact.MODEL: json.dumps(point).encode()}
    assert not all(check.agrees for check in rescore(other, folder, 0))


def several(seed: int = 3) -> tuple[list[int], Any]:
    """Labels and probabilities of three classes, in steps so large that some are equal."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 90)
    counts = random.integers(1, 6, (90, 3)) + 3 * np.eye(3, dtype=int)[labels]
    return labels.tolist(), counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.req("V-2.2")
def test_figures_of_several_classes_are_counted_by_an_oracle_of_their_own() -> None:
    labels, shares = several()
    called, hot = shares.argmax(axis=1), np.eye(3)[labels]
    whole, each, table = oracle.class_figures(labels, shares.tolist())
    assert table == metrics.confusion_matrix(labels, called).tolist()
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, called)
    assert whole == pytest.approx({
        "accuracy": metrics.accuracy_score(labels, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, called),
        "macro_auroc": metrics.roc_auc_score(labels, shares, multi_class="ovr"),
        "macro_auprc": metrics.average_precision_score(hot, shares, average="macro"),
        "macro_sensitivity": recall.mean(),
        "macro_specificity": np.mean([
            metrics.recall_score(1 - hot[:, one], called != one) for one in range(3)
        ]),
        "macro_ppv": precision.mean(),
        "macro_f1": f1.mean(),
        "brier": ((shares - hot) ** 2).sum(axis=1).mean(),
        "ece": whole["ece"],
    })  # fmt: skip
    for number, found in enumerate(each):
        rest, said = hot[:, number] == 0, called != number
        assert found == pytest.approx({
            "auroc": metrics.roc_auc_score(~rest, shares[:, number]),
            "auprc": metrics.average_precision_score(~rest, shares[:, number]),
            "sensitivity": recall[number],
            "specificity": metrics.recall_score(rest, said),
            "ppv": precision[number],
            "npv": metrics.precision_score(rest, said),
            "f1": f1[number],
        })  # fmt: skip


@pytest.mark.req("V-2.2")
def test_what_is_reported_of_several_classes_is_what_the_oracle_counts() -> None:
    """Also the figures that no library has, by class and over all, and where one is undefined."""
    labels, shares = several()
    for truth in (labels, [min(label, 1) for label in labels]):
        report = evaluate_multiclass(truth, shares, range(90), "abc", resamples=5).to_dict()
        stored = Stored(
            {"test": [
                {"label": label, "probability": row}
                for label, row in zip(truth, shares.tolist(), strict=True)
            ]},
            {"operating_point": {"threshold": None}, "classes": list("abc")},
            {}, {}, {"test": {"report": report}}, {},
        )  # fmt: skip
        checks = list(_figures(stored))
        assert disagreeing(checks) == set()
        assert {check.figure for check in checks} >= {
            *(f"test.report.{name}" for name in report["figures"]),
            *(f"test.report.{one}.{name}" for one in "abc" for name in report["by_class"][one]),
        }
        report["by_class"]["b"]["npv"]["estimate"] = 0.5
        report["figures"]["ece"]["estimate"] += 1e-6
        assert disagreeing(_figures(stored)) == {"test.report.b.npv", "test.report.ece"}


def test_the_oracle_agrees_with_a_library() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 300)
    shares = np.round(np.clip(random.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 2)
    found = oracle.figures(labels.tolist(), shares.tolist(), 0.5, None)
    assert found["auroc"] == pytest.approx(roc_auc_score(labels, shares))
    assert found["auprc"] == pytest.approx(average_precision_score(labels, shares))
    assert found["f1"] == pytest.approx(f1_score(labels, shares >= 0.5))
    assert oracle.youden([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.8]) == pytest.approx(0.35)
