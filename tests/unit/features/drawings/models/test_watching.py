"""A training that is watched says what it does; an interrupted one goes on from its checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepmed.features.drawings.models.watching import TrainingWatch
from deepmed.learning.reference import GroupPlan, Layout, Rows, fit_reference, plan_groups, to_files

EPOCHS = "epochs"


class Told:
    """Keeps what was told; raises after so many epochs, as a process that is killed would stop."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.stop_after = stop_after

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        self.events.append((kind, dict(data)))
        points = data.get("points", [])
        if self.stop_after and any(epoch >= self.stop_after for epoch, *_ in points):
            raise InterruptedError

    def epochs(self, part: str) -> list[int]:
        return [
            epoch
            for kind, data in self.events
            if kind == EPOCHS and data["part"] == part
            for epoch, *_ in data["points"]
        ]


@pytest.fixture(scope="module")
def plan() -> GroupPlan:
    numbers = np.arange(60)
    rows = Rows(
        numbers,
        numbers,
        np.full(60, 7.0),
        np.zeros(60, np.int64),
        np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32),
    )
    return plan_groups({"group": rows}, 0)["group"]


@pytest.fixture(autouse=True)
def _every_epoch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepmed.features.drawings.models.watching.TELL_SECONDS", 0.0)


def fit(plan: GroupPlan, told: Told, folder: Path | None = None) -> dict[str, bytes]:
    watch = TrainingWatch(told, folder).of_group("7.0-8.0", "recipe")
    model = fit_reference(plan, "autoencoder", "e", Layout.VISUAL, 0, watch=watch)
    watch.flush()
    return to_files(model)


def test_every_epoch_of_model_and_twin_is_told_with_its_losses(plan: GroupPlan) -> None:
    told = Told()
    fit(plan, told)
    for part in ("model", "twin"):
        found = told.epochs(part)
        assert found == list(range(1, len(found) + 1))
        assert len(found) > 10
    _, first = told.events[0]
    epoch, loss, watched = first["points"][0]
    assert (epoch, first["group"], first["part"]) == (1, "7.0-8.0", "model")
    assert loss > 0
    assert watched > 0


@pytest.mark.req("P-6.3")
def test_an_interrupted_fit_goes_on_from_its_checkpoint_and_comes_to_the_same_model(
    plan: GroupPlan, tmp_path: Path
) -> None:
    whole = fit(plan, Told())
    with pytest.raises(InterruptedError):
        fit(plan, Told(stop_after=25), tmp_path)
    again = Told()
    resumed = fit(plan, again, tmp_path)
    assert again.events[0] == ("resumed", {"group": "7.0-8.0", "part": "model", "epoch": 20})
    assert again.epochs("model")[0] == 21
    assert resumed == whole


def test_a_checkpoint_of_another_training_is_not_gone_on_from(
    plan: GroupPlan, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedError):
        fit(plan, Told(stop_after=25), tmp_path)
    told = Told()
    watch = TrainingWatch(told, tmp_path).of_group("7.0-8.0", "another recipe")
    fit_reference(plan, "autoencoder", "e", Layout.VISUAL, 0, watch=watch)
    assert told.events[0][0] == EPOCHS
