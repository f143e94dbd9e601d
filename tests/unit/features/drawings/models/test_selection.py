"""Why a detector was chosen, in words that people know."""

import re
from dataclasses import replace

import numpy as np
import pytest

from deepmed.features.drawings.models.items import COMPARED, LAYOUTS, FoldLog
from deepmed.features.drawings.models.planted import PlantedDrawings
from deepmed.features.drawings.models.selection import (
    ASKED,
    Comparison,
    choose,
    compare_layouts,
    reason_of,
)
from deepmed.learning.detectors import detector_names
from deepmed.learning.detectors.report import SelectionReport
from deepmed.learning.detectors.selection import PlantedItem, select_detector
from deepmed.learning.evaluation import Interval
from deepmed.learning.reference import Rows
from deepmed.learning.reference.evaluation import PlantedRows
from factories.homes import QUICK


def report_on(*names: str) -> SelectionReport:
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    planted = [PlantedItem(vectors[row] + 1.0, row, "moved") for row in range(20)]
    return select_detector(vectors, range(20), planted, names, seed=1)


def lead(low: float) -> Interval:
    return Interval(
        estimate=low + 0.1,
        low=low,
        high=low + 0.2,
        level=0.95,
        method="",
        unit="child",
        sample_size=20,
        n_items=40,
    )


@pytest.fixture(scope="module")
def report() -> SelectionReport:
    return report_on("isolation_forest", "knn")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    random = np.random.default_rng(0)
    numbers, vectors = np.arange(25), random.normal(size=(25, 3)).astype(np.float32)
    subjects = np.zeros(25, np.int64)
    rows = Rows(numbers + 500, numbers, np.linspace(6, 9, 25), subjects, vectors)
    pages = list(random.integers(0, 255, (25, 8, 8, 3), dtype=np.uint8))
    moved = rows.with_vectors(vectors + np.float32(1))
    planted = PlantedRows(moved, ("moved", "shaken", "other", "far", "odd") * 5)
    return Comparison(rows, PlantedDrawings(planted, pages, rows), pages)


@pytest.mark.req("D-15.2")
def test_the_reason_names_detectors_as_people_know_them(report: SelectionReport) -> None:
    best = max(report.rows.values(), key=lambda row: row.overall.auroc)
    words = {"isolation_forest": "isolation forest", "knn": "nearest neighbours"}
    figure = f"(AUROC {best.overall.auroc:.3f})"
    assert reason_of(report) == (
        f"Of the simple detectors, {words[best.name]} found planted anomalies best {figure}."
    )
    every = report_on("isolation_forest", "mahalanobis", "pca", "knn")
    for name in every.rows:
        told = reason_of(replace(every, rows={name: every.rows[name]}))
        assert "_" not in told
        assert not {"knn", "pca", "mahalanobis"} & set(re.findall(r"\w+", told))


@pytest.mark.req("D-15.2")
@pytest.mark.parametrize(
    ("chosen", "low", "words"),
    [
        ("knn", -0.15, "does not exceed it beyond chance: -0.050 AUROC, 95% interval -0.150 to"),
        ("autoencoder", 0.05, "but the autoencoder exceeds it: +0.150 AUROC, 95% interval +0.050"),
    ],
)
def test_the_autoencoders_lead_is_told_with_its_interval(
    report: SelectionReport, chosen: str, low: float, words: str
) -> None:
    rows = {**report.rows, "autoencoder": replace(report.rows["knn"], name="autoencoder")}
    found = replace(report, rows=rows, chosen=chosen, lead=lead(low))
    assert words in reason_of(found)
    assert "too few children" in reason_of(replace(found, lead=None))
    alone = replace(found, rows={"autoencoder": rows["autoencoder"]})
    assert "No other detector" in reason_of(alone)


@pytest.mark.req("D-15.2")
def test_a_detector_that_was_asked_for_needs_no_other_reason(comparison: Comparison) -> None:
    assert choose(comparison, ["pca"], QUICK)["reason"] == ASKED
    assert "_" not in choose(comparison, ["knn", "isolation_forest"], QUICK)["reason"]


@pytest.mark.req("V-2.2")
def test_the_scores_of_every_fold_are_kept_in_the_order_of_the_rows(
    comparison: Comparison,
) -> None:
    log = FoldLog()
    found = choose(comparison, ["pca", "knn"], QUICK, log)
    layouts = compare_layouts(comparison, "pca", QUICK, log)
    for name, width in ((COMPARED, len(found["rows"])), (LAYOUTS, len(layouts))):
        items = log.sets[name]
        assert [item["drawing"] for item in items] == [*range(500, 525)] * 2
        assert [item["kind"] for item in items[:25]] == [None] * 25
        assert [item["kind"] for item in items[25:]] == list(comparison.planted.planted.kinds)
        assert all(len(item["scores"]) == width for item in items)
        fold = {item["child"]: item["fold"] for item in items[:25]}
        assert all(item["fold"] == fold[item["child"]] for item in items[25:])
    assert [row["name"] for row in found["rows"]][:2] == ["pca", "knn"]


def test_every_detector_of_the_registry_has_words() -> None:
    from deepmed.features.drawings.words import DETECTOR_WORDS

    assert set(detector_names()) <= set(DETECTOR_WORDS)
