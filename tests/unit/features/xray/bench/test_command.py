"""`deepmed bench xray`, without training."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deepmed.cli import bench
from deepmed.features.xray.bench import run as module
from deepmed.features.xray.bench.recipe import FULL, QUICK, configured


@pytest.mark.req("X-16.1")
def test_it_measures_as_asked_and_shows_and_writes_the_result(
    first: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def run(*given: Any, **named: Any) -> Any:
        asked.append((*given, named["work"], named["federated"]))
        return first

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setenv("DEEPMED_HOME", str(tmp_path / "own"))
    file = tmp_path / "result.json"
    words = ["xray", "--data", "split.npz", "--seeds", "2", "--quick", "--json", str(file)]
    done = CliRunner().invoke(bench.app, words, catch_exceptions=False)
    assert done.exit_code == 0
    for shown in ("HOG + SVM", "Promises", "focal loss", "This was a quick run"):
        assert shown in done.output
    assert json.loads(file.read_text(encoding="utf-8")) == first
    ((data, seeds, effort, work, federated),) = asked
    assert (data, list(seeds), effort) == (Path("split.npz"), [0, 1], QUICK)
    assert (work, federated) == (None, False)
    assert not (tmp_path / "own").exists()


@pytest.mark.req("X-16.1")
def test_the_recipe_is_the_stated_network_on_small_images_without_pretraining() -> None:
    chosen = configured(FULL, 2)
    assert chosen.get("system.img_size") == [28, 28]
    assert chosen.get("system.seed") == 2
    wanted = {"network": "resnet18", "stem": "3x3", "max_pool": True, "weights": None}
    assert {name: chosen.get(f"experiment.{name}") for name in wanted} == wanted
    assert chosen.get("experiment.monitor_metric") == "val_auroc"
    assert chosen.get("experiment.loss") == "cross_entropy"
