"""The command that trains and compares, without training."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deepmed.cli import bench
from deepmed.features.drawings.bench.pretraining import run as module

FIGURE = {"estimate": 0.5, "low": 0.25, "high": 0.75}
ROWS = [
    {"name": "hog-pyramid", "figure": FIGURE, "beside": None},
    {"name": "stroke-net, seed 0", "figure": FIGURE, "beside": {**FIGURE, "estimate": None}},
]
RESULT = {
    "tasks": [{"task": "planted anomalies", "measure": "AUROC", "rows": ROWS}],
    "verdict": {"words": "Not adopted: made up."},
}


def test_it_trains_as_asked_and_says_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def run(_settings: object, *given: object, **named: Any) -> dict[str, Any]:
        asked.append((*given, named["seed"], named["folder"]))
        return RESULT

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setenv("DEEPMED_HOME", str(tmp_path))
    file = tmp_path / "result.json"
    words = ["encoder-pretraining", "--data", "real.zip", "--steps", "7", "--seeds", "2"]
    kept = ["--weights", str(tmp_path / "kept"), "--json", str(file)]
    done = CliRunner().invoke(bench.app, [*words, *kept], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Not adopted: made up." in done.output
    assert "0.250 to 0.750" in done.output
    assert json.loads(file.read_text(encoding="utf-8")) == RESULT
    ((data, recipe, seeds, seed, folder),) = asked
    assert (data, recipe.steps, list(seeds), seed) == (Path("real.zip"), 7, [0, 1], 0)
    assert folder == tmp_path / "kept"
