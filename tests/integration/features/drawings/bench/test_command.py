"""`deepmed bench drawings` from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepmed.cli.entry import main
from deepmed.features.drawings.bench import effort
from deepmed.learning.evaluation.oracle import recompute_auroc
from factories.bench import TINY, hasty_detectors


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    """No real drawings, and sizes even below those of a quick run."""
    with hasty_detectors() as patch:
        patch.delenv("DEEPMED_BENCH_DRAWINGS", raising=False)
        patch.setattr(effort, "QUICK", TINY)
        yield


def run(file: Path, *arguments: str) -> dict[str, Any]:
    assert main(["bench", "drawings", "--quick", "--json", str(file), *arguments]) == 0
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.req("D-24.1")
@pytest.mark.req("D-24.2")
def test_a_quick_run_writes_its_file_and_prints_its_tables(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "drawings.json"
    result = run(file, "--seed", "5")
    assert (result["quick"], result["seed"]) == (True, 5)
    printed = capsys.readouterr().out
    assert "AUROC on sample drawings" in printed
    assert "Skipped: false_alarms" in printed
    assert "quick run" in printed
    found = result["parts"]["detection"]["samples"]
    items = found["items"]["hog-pyramid"]
    for name in ("mahalanobis", "1-NN"):
        row = next(one for one in found["rows"] if one["name"] == name)
        own, code = items["places"][name], items["kinds"].index("parts_shuffled")
        pairs = zip(own["unusual"], items["unusual_kinds"], strict=True)
        positives = [place for place, kind in pairs if kind == code]
        assert row["figures"]["parts_shuffled"]["estimate"] == pytest.approx(
            recompute_auroc(own["typical"], positives)
        )


def test_a_missing_file_of_drawings_is_one_clear_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "drawings.json"
    arguments = ["bench", "drawings", "--quick", "--json", str(file), "--data", "nothing.zip"]
    assert main(arguments) == 1
    assert "There is no file nothing.zip" in capsys.readouterr().err
    assert not file.exists()
