"""The order of a run: nothing real is there while networks learn."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepmed.features.drawings.bench.pretraining import questions
from deepmed.features.drawings.bench.pretraining import run as module
from deepmed.features.drawings.bench.pretraining.drawn import draw_lessons
from deepmed.features.drawings.bench.pretraining.questions import PRIMARY, Asking
from deepmed.features.drawings.bench.pretraining.training import learned
from deepmed.kit.settings import Settings
from deepmed.learning.encoders import get_encoder
from deepmed.learning.encoders.stroke_net.weights import weight_hash
from deepmed.learning.pretraining.lessons import Recipe
from deepmed.learning.pretraining.training import pretrain

RECIPE = Recipe(steps=2, batch=3, drawings=6, projection=8)
FIGURE = {"estimate": 0.1, "low": 0.05, "high": 0.15}


def _rows(asking: Asking) -> list[dict[str, Any]]:
    return asking.rows(lambda _name: FIGURE, lambda _name: FIGURE)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for seed in range(2):
        learned(RECIPE, seed, folder, lambda _what: None)
    return folder


def test_real_drawings_are_opened_after_the_last_training(
    kept: Path,
    bench_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def read(_path: Path, _settings: Settings) -> SimpleNamespace:
        done.append("real drawings are read")
        return SimpleNamespace(origin="drawings of nobody")

    monkeypatch.setattr(module, "read_real_drawings", read)
    monkeypatch.setattr(module, "real_material", lambda *_given: None)
    monkeypatch.setattr(module, "_speeds", lambda *_given: [])
    monkeypatch.setattr(
        questions, "answers", lambda _real, asking: [{"task": PRIMARY, "rows": _rows(asking)}]
    )
    result = module.run(
        bench_settings,
        Path("real.zip"),
        RECIPE,
        range(2),
        seed=0,
        step=done.append,
        folder=kept,
    )
    read_at = done.index("real drawings are read")
    assert [what.partition(":")[0] for what in done[:read_at]][:2] == ["seed 0", "seed 1"]
    assert not [what for what in done[read_at:] if what.startswith("seed")]
    assert result["verdict"]["adopted"] is False  # two seeds do not suffice
    assert [row["role"] for row in result["tasks"][0]["rows"]] == [
        *["built in"] * 2,
        "untrained",
        *["learned"] * 2,
    ]
    assert json.loads(json.dumps(result))["tasks"][0]["spread"]["beside"]["seeds"] == 2


def test_a_network_is_that_of_its_procedural_drawings_alone(kept: Path) -> None:
    """Made again from nothing but seed and recipe, without any file, it is the same."""
    alone = pretrain(draw_lessons(RECIPE.drawings, 1), RECIPE, 1)
    encoder = get_encoder("stroke-net", kept / "seed-1", "cpu")
    assert encoder.identity.weight_hash == weight_hash(alone.network)


def test_kept_weights_are_taken_for_the_same_recipe_only(kept: Path) -> None:
    told: list[str] = []
    again = learned(RECIPE, 0, kept, told.append)
    assert told == ["seed 0: weights of seed-0 are taken"]
    assert again.record["steps"] == 2
    assert again.record["weight_hash"] == weight_hash(again.network)
    other = learned(Recipe(**{**RECIPE.to_dict(), "steps": 1}), 0, None, told.append)
    assert other.record["weight_hash"] != again.record["weight_hash"]
