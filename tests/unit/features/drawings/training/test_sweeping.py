from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.training import sweeping
from deepmed.features.drawings.training.config import ParameterSweepConfig, TrainingConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.fitting import Fitted, fit
from deepmed.features.drawings.training.preparing import TrainingData
from deepmed.features.drawings.training.sweeping import Sweep, sweep
from deepmed.learning.errors import AutoencoderTrainingError
from factories.training_sets import NAME, TABLE

pytestmark = pytest.mark.req("D-12.1")

BASE = TrainingConfig(epochs=8, model={"hidden_dims": (16, 4)})  # type: ignore[arg-type] # pydantic takes a mapping
RATES: dict[str, Any] = {"optimizer.learning_rate": [1e-6, 0.01], "loss": ["mse", "mae"]}


def run(service: EmbeddingService, root: Path, parameters: dict[str, Any]) -> Sweep:
    dataset = Dataset(str(root / NAME), TABLE, by_path=True)
    return sweep(service, BASE, ParameterSweepConfig(parameters=parameters), dataset)


def test_the_best_comes_first_and_only_watching_drawings_are_looked_at(
    service: EmbeddingService, classroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = TrainingData.part

    def noted(data: TrainingData, name: str) -> Any:
        asked.append(name)
        return real(data, name)

    monkeypatch.setattr(TrainingData, "part", noted)
    found = run(service, classroom, RATES)
    assert set(asked) == {"train", "validation"}
    assert len(found.trials) == 4
    aurocs = [one.planted["estimate"] for one in found.trials if one.planted]
    assert aurocs == sorted(aurocs, reverse=True)
    assert found.best is not None
    assert found.best.chosen["optimizer.learning_rate"] == 0.01
    assert found.rule == "AUROC of planted anomalies"


@pytest.mark.req("D-29.1")
def test_figures_of_a_trial_are_counted_again(
    service: EmbeddingService, classroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[Fitted, TrainingData]] = []

    def noted(config: TrainingConfig, data: TrainingData) -> Fitted:
        kept.append((fit(config, data), data))
        return kept[-1][0]

    monkeypatch.setattr(sweeping, "fit", noted)
    found = run(service, classroom, {"epochs": [4, 8]})
    place = Dataset(str(classroom / NAME), TABLE, by_path=True).find(service.settings)
    for trial in found.trials:
        fitted, data = kept[trial.number - 1]
        watching = fitted.scores(data.part("validation"))
        planted = fitted.scores(sweeping.plant(place, service, data, 0))
        assert trial.validation_error == pytest.approx(np.mean(watching))
        truth = [0] * len(watching) + [1] * len(planted)
        assert trial.planted is not None
        assert trial.planted["estimate"] == pytest.approx(
            roc_auc_score(truth, [*watching, *planted])
        )
        assert trial.best_epoch == fitted.detector.training_["best_epoch"]
        assert trial.epochs_run == trial.chosen["epochs"]
        assert found.planted == len(planted)
        assert found.drawings == {
            "train": len(data.parts["train"]),
            "validation": len(data.parts["validation"]),
        }


def test_a_diverged_trial_is_last_and_says_why(
    service: EmbeddingService, classroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(config: TrainingConfig, data: TrainingData) -> Fitted:
        if config.epochs == 3:
            raise AutoencoderTrainingError("It diverged.")
        return fit(config, data)

    monkeypatch.setattr(sweeping, "fit", failing)
    found = run(service, classroom, {"epochs": [3, 4]})
    assert [one.chosen["epochs"] for one in found.trials] == [4, 3]
    last = found.trials[-1]
    assert (last.validation_error, last.planted, last.reason) == (None, None, "It diverged.")


def test_where_nothing_can_be_planted_the_error_decides(
    service: EmbeddingService, classroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sweeping,
        "plant",
        lambda _place, _service, data, _seed: data.part("validation").take(np.zeros(0, np.int64)),
    )
    found = run(service, classroom, {"epochs": [1, 8]})
    assert found.rule == "validation error"
    errors = [one.validation_error for one in found.trials]
    assert errors == sorted(errors)  # type: ignore[type-var] # none of them diverged
    assert found.trials[0].reason == "No anomaly could be planted into the drawings that watch."
