"""The section on X-rays, and the promises in a committed result counted again."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from benchmark_xray import FILE, xray_section
from deepmed.features.xray.bench.promises import promises

ROOT = Path(__file__).parents[3]
FIGURE = {"estimate": 0.5, "low": 0.25, "high": 0.75}
NAMES = ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "f1", "brier", "ece")
FIGURES = dict.fromkeys(NAMES, FIGURE)
LOADING = {
    "images": 8,
    "batch_size": 4,
    "threads": 1,
    "loader_images_per_second": 450.0,
    "cold_images_per_second": 90.0,
    "epoch_ratio": 1.1,
    "processor_ratio": None,
}
MADE = {
    "date": "2025-12-31T00:00:00",
    "older_than_run": True,
    "environment": {"code": {"version": "0", "commit": "abcdef0123456789", "changed": False}},
}
SPREAD = {name: {"mean": 0.5, "deviation": None} for name in NAMES}
ROW = {
    "seed": 0,
    "timing": {"seconds": 100.0, "reason": None},
    "best_epoch": 1,
    "epochs": 2,
    "temperature": 1.5,
    "threshold": 0.4,
    "figures": FIGURES,
    "at_threshold": FIGURES,
    "validation": FIGURES,
    "test_looks": 1,
    "made": MADE,
}
SIDE = {"figures": FIGURES, "best_epoch": 1, "made": MADE | {"older_than_run": False}}
MADE_UP: dict[str, Any] = {
    "benchmark": "xray",
    "quick": True,
    "date": "2026-01-01T00:00:00",
    "note": "made up",
    "environment": {
        "code": {"version": "0", "commit": "c0", "changed": True},
        "cpu": "CPU",
        "cores": 2,
        "threads": 2,
        "platform": "P",
        "python": "3",
        "load_average": 0.1,
    },
    "data": {"name": "s.npz", "sha256": "a" * 64, "parts": {"test": {"images": 2, "positive": 1}}},
    "recipe": ["epochs=2"],
    "promises": promises([ROW], SPREAD, LOADING),
    "seeds": [ROW],
    "spread": SPREAD,
    "classic": {"name": "HOG + SVM", "figures": FIGURES, "test_looks": 3},
    "published": [{"name": "published", "auroc": 0.9, "accuracy": 0.8, "source": "a|b"}],
    "test_looks": 2,
    "variants": {
        "compared_on": "validation",
        "rule": "stated first",
        "questions": [
            {
                "question": "loss",
                "ours": "this",
                "other": "that",
                "verdict": "No difference.",
                "seeds": [{"seed": 0, "ours": SIDE, "other": SIDE}],
            }
        ],
    },
    "loading": LOADING,
    "federated": None,
    "seconds": 12.0,
}


def test_without_a_result_there_is_no_section(tmp_path: Path) -> None:
    assert not xray_section(tmp_path)


def test_the_section_shows_promises_rows_and_verdicts(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(MADE_UP))
    section = xray_section(tmp_path)
    assert (
        "| AUROC on the test part, mean over seeds | 0.500 | at least 0.97 | NOT KEPT |" in section
    )
    assert "| HOG + SVM | 0.500 [0.250, 0.750] |" in section
    assert "| published | 0.900 | - | 0.800 |" in section
    assert "### Loss: this against that" in section
    assert "No difference." in section
    assert "quick run" in section
    assert "looked at 2 times" in section
    assert "by the audit trail: seed 0 1, HOG + SVM 3." in section
    assert "taken from there: 2025-12-31, 0 abcdef0123\n" in section
    assert "| 2025-12-31, 0 abcdef0123* |" in section
    assert "made up" in section


def test_the_committed_figures_are_what_they_rest_on() -> None:
    for file in filter(Path.is_file, [ROOT / FILE]):
        result = json.loads(file.read_text(encoding="utf-8"))
        assert (result["benchmark"], result["quick"]) == ("xray", False)
        assert len(result["seeds"]) >= 3
        for name in NAMES:
            values = [row["figures"][name]["estimate"] for row in result["seeds"]]
            assert result["spread"][name]["mean"] == pytest.approx(statistics.fmean(values))
        for row in result["seeds"]:
            confusion, images = row["confusion"], row["images"]["test"]
            right = confusion["true_positives"] + confusion["true_negatives"]
            assert row["figures"]["accuracy"]["estimate"] == pytest.approx(right / images)
            assert row["test_looks"] == 1
            assert {figure["unit"] for figure in row["figures"].values()} == {"image"}
        whole = [*result["seeds"], result["classic"]]
        assert result["promises"] == promises(result["seeds"], result["spread"], result["loading"])
        together = result["federated"]
        if together is not None:
            whole.append(together)
            (promise,) = together["promises"]
            ours = together["federated"][0]["figures"]["auroc"]["estimate"]
            theirs = together["centralised"]["figures"]["auroc"]["estimate"]
            assert promise["value"] == pytest.approx(ours - theirs)
            assert promise["passed"] == (promise["value"] >= -0.02)
            each = [together["centralised"], *together["federated"]]
            assert together["test_looks"] == sum(row["test_looks"] for row in each)
            assert len({row["split"] for row in each}) == 1
        assert result["test_looks"] == sum(one["test_looks"] for one in whole)
