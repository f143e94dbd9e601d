"""The committed result: whole, borne out by its own items, and the page made from it is fresh."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

import make_benchmarks
from deepmed.features.drawings.bench.altered import COUNTERPARTS
from deepmed.features.drawings.bench.effort import FULL
from deepmed.features.drawings.bench.exactness import CHILDREN
from deepmed.features.drawings.bench.material import FOLDS
from deepmed.features.drawings.bench.parts import PARTS
from deepmed.learning.detectors import detector_names
from deepmed.learning.evaluation import mean_interval
from deepmed.learning.evaluation.oracle import recompute_auroc, recompute_mean
from deepmed.learning.planting import PlantedKind
from deepmed.learning.saliency import (
    DEFAULT_METHOD,
    FaithfulnessReport,
    MeasuredDrawing,
    RandomisationCheck,
    gate,
)

FILE = make_benchmarks.ROOT / make_benchmarks.RESULT


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def recompute_check(correlations: list[float], children: list[int]) -> RandomisationCheck:
    return RandomisationCheck(tuple(correlations), mean_interval(correlations, children, 0))


def compared(result: dict[str, Any]) -> list[dict[str, Any]]:
    detection, category = (result["parts"][name] for name in ("detection", "another_category"))
    return [detection["real"], detection["samples"], category["bird"], category["dog"]]


@pytest.mark.req("D-24.1")
def test_it_is_a_full_run_of_every_part(result: dict[str, Any]) -> None:
    assert result["quick"] is False
    assert list(result["parts"]) == list(PARTS)
    assert all(part["skipped"] is None for part in result["parts"].values())
    for found in compared(result):
        names = {row["name"] for row in found["rows"]}
        assert names >= {*detector_names(), "ink and box", "Sobel energy", "random projection"}
    for found in compared(result)[:2]:
        kinds = set(found["rows"][0]["figures"])
        assert kinds >= {kind.value for kind in PlantedKind}


@pytest.mark.req("D-24.2")
def test_every_auroc_is_what_an_oracle_counts_from_the_items(result: dict[str, Any]) -> None:
    counted = 0
    for found in compared(result):
        for row in found["rows"]:
            items = found["items"][row["encoder"] or "hog-pyramid"]
            own = items["places"][row["name"]]
            for code, kind in enumerate(items["kinds"]):
                pairs = zip(own["unusual"], items["unusual_kinds"], strict=True)
                positives = [place for place, number in pairs if number == code]
                against = COUNTERPARTS.get(kind)
                negatives = own["counterparts"][against] if against else own["typical"]
                expected = recompute_auroc(negatives, positives)
                assert row["figures"][kind]["estimate"] == pytest.approx(expected, abs=1e-12)
                counted += 1
    assert counted > 200


@pytest.mark.req("D-22.2")
def test_the_simulated_rates_keep_their_promise(result: dict[str, Any]) -> None:
    rows = result["parts"]["exactness"]["rows"]
    assert [row["n_children"] for row in rows] == list(CHILDREN) * 3
    for row in rows:
        assert row["repeats"] == 10_000
        error = math.sqrt(row["rate"] * (1 - row["rate"]) / row["repeats"])
        promised = math.floor(0.05 * (row["n_children"] + 1) + 1e-9) / (row["n_children"] + 1)
        if row["case"] == "one drawing a child, no ties":
            assert abs(row["rate"] - promised) <= 3 * error
        else:
            assert row["rate"] <= 0.05 + 3 * error
        assert row["passed"]


@pytest.mark.req("D-22.3")
def test_over_two_hundred_splits_of_real_drawings_the_rate_is_the_attained_level(
    result: dict[str, Any],
) -> None:
    rows = result["parts"]["false_alarms"]["rows"]
    pooled = [row for row in rows if row["group"] == "all ages"]
    assert {row["repeated"] for row in pooled} == {True, False}
    for row in pooled:
        rates = row["items"]["rates"]
        assert len(rates) == FULL.splits
        mean = sum(rates) / len(rates)
        deviation = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1))
        room = 3 * deviation / math.sqrt(len(rates))
        assert row["mean"] == pytest.approx(mean)
        if row["repeated"]:
            assert mean <= 0.05 + room
        else:
            n = row["calibration_children"]
            assert abs(mean - math.floor((n + 1) / 20) / (n + 1)) <= room
        assert row["passed"]


@pytest.mark.req("D-22.4")
def test_every_detector_flags_planted_anomalies_at_that_threshold(result: dict[str, Any]) -> None:
    rows = [row for row in result["parts"]["false_alarms"]["rows"] if "power" in row]
    assert {row["detector"] for row in rows} == set(detector_names())
    for row in rows:
        for kind, figure in row["power"].items():
            items = [tuple(item) for item in row["items"]["flagged"][kind]]
            assert figure["estimate"] == pytest.approx(recompute_mean(items), abs=1e-9)
        assert row["finds_something"]
        assert max(row["power"][kind.value]["estimate"] for kind in PlantedKind) > 0


@pytest.mark.req("D-17.4")
def test_the_gate_follows_from_the_measured_drawings(result: dict[str, Any]) -> None:
    found = result["parts"]["faithfulness"]
    assert found["all_drawings"]
    drawings = [
        MeasuredDrawing(item["child"], item["p"], item["fill"], item["scores"])
        for item in found["items"]
    ]
    checks = {
        method: recompute_check(one["correlations"], [item["child"] for item in found["items"]])
        for method, one in found["randomisation"].items()
    }
    again = gate(
        FaithfulnessReport(drawings, found["refused"], found["split"], result["seed"]), checks
    )
    assert found["gate"]["passed"] == again.passed
    assert tuple(found["gate"]["faithful"]) == again.faithful
    assert all(drawing.p <= 0.2 for drawing in drawings)
    for method in again.faithful:
        for control, margin in {"random": 0.1, "sobel": 0.0, "ink_density": 0.0}.items():
            leads = [one.scores[method] - one.scores[control] for one in drawings]
            assert sum(leads) / len(leads) >= margin
    if again.passed:
        assert again.children >= 30


@pytest.mark.req("D-17.5")
def test_whoever_passes_the_gate_passed_the_randomisation_and_so_did_the_default_method(
    result: dict[str, Any],
) -> None:
    found = result["parts"]["faithfulness"]
    for method in found["gate"]["faithful"]:
        correlations = found["randomisation"][method]["correlations"]
        assert sum(correlations) / len(correlations) < 0.5
        assert found["randomisation"][method]["passed"]
    assert DEFAULT_METHOD in found["gate"]["faithful"]


@pytest.mark.req("D-17.4")
def test_each_fold_has_a_detector_that_was_chosen_without_it(result: dict[str, Any]) -> None:
    found = result["parts"]["faithfulness"]
    assert len(found["detectors"]) == FOLDS
    assert set(found["detectors"]) <= set(detector_names())
    assert "chosen without the fold" in found["split"]


@pytest.mark.req("D-27.1")
def test_each_group_has_its_age_test_with_interval(result: dict[str, Any]) -> None:
    rows = result["parts"]["age_specificity"]["rows"]
    groups = {(row["material"], row["group"]) for row in rows}
    assert groups == {
        ("real", "4.0-6.0"),
        ("real", "6.0-9.0"),
        ("samples", "3.0-6.0"),
        ("samples", "6.0-9.0"),
        ("samples", "9.0-12.0"),
    }
    for row in rows:
        assert row["low"] <= row["estimate"] <= row["high"]
        assert row["tells_ages_apart"] == (row["low"] > 0.5)


@pytest.mark.req("D-24.2")
def test_the_page_is_made_from_the_file_as_it_is_now() -> None:
    assert make_benchmarks.main(["--check"]) == 0


def test_a_stale_page_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / make_benchmarks.RESULT
    copy.parent.mkdir(parents=True)
    copy.write_bytes(FILE.read_bytes())
    (tmp_path / "docs").mkdir()
    assert make_benchmarks.main(["--check"], tmp_path) == 1
    assert "stale" in capsys.readouterr().err
    assert make_benchmarks.main([], tmp_path) == 0
    assert make_benchmarks.main(["--check"], tmp_path) == 0


def test_every_figure_of_the_page_stands_in_the_file(result: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(result))
    row = changed["parts"]["exactness"]["rows"][0]
    row["rate"] = 0.123456
    assert "0.1235 [" in make_benchmarks.page(changed)
    assert "0.1235 [" not in make_benchmarks.page(result)
