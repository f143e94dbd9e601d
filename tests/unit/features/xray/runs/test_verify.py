"""A run's figures counted again, and what is not right about changed ones."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from deepmed.core.home import Home
from deepmed.core.registry.manifest import Package
from deepmed.features.xray.runs import artifact, oracle
from deepmed.features.xray.runs.folders import folder_of
from deepmed.features.xray.runs.rescoring import rescore
from deepmed.features.xray.runs.verify import Check, recompute

from .test_trainer import run_of


@pytest.fixture(scope="session")
def package(trained: Home) -> Package:
    return trained.registry.package((run_of(trained).results or {})["artifact"])


def counted(package: Package, **files: bytes) -> list[Check]:
    manifest = package.manifest
    configuration = manifest.provenance["configuration"]
    return recompute({**package.files, **files}, manifest.metrics, configuration)


def wrong(package: Package, name: str, change: Callable[[Any], None]) -> set[str]:
    content = json.loads(package.files[name])
    change(content)
    checks = counted(package, **{name: json.dumps(content).encode()})
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
def test_images_are_scored_again(trained: Home, package: Package) -> None:
    folder = folder_of(trained, run_of(trained))
    checks = rescore(package.files, folder, 0)
    assert len(checks) == 20
    assert all(check.agrees for check in checks)
    point = json.loads(package.files[artifact.MODEL])
    point["operating_point"]["temperature"] *= 2
    other = {**package.files, artifact.MODEL: json.dumps(point).encode()}
    assert not all(check.agrees for check in rescore(other, folder, 0))


def test_the_oracle_agrees_with_a_library() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 300)
    shares = np.round(np.clip(random.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 2)
    found = oracle.figures(labels.tolist(), shares.tolist(), 0.5, None)
    assert found["auroc"] == pytest.approx(roc_auc_score(labels, shares))
    assert found["auprc"] == pytest.approx(average_precision_score(labels, shares))
    assert found["f1"] == pytest.approx(f1_score(labels, shares >= 0.5))
    assert oracle.youden([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.8]) == pytest.approx(0.35)
