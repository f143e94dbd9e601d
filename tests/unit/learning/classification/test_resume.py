"""A training that was cut off and resumed is the one that was not, to the bit."""

from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from deepmed.learning.classification import CheckpointError, restore_network
from deepmed.learning.classification.callbacks.checkpoint import epoch_of
from deepmed.learning.classification.checkpoints import read_checkpoint
from deepmed.learning.networks import NetworkSettings, build_network
from factories.small_training import CutOff, SmallTraining, prepared, trained

FROZEN = {"fine_tune_layers": 0}


def cut_and_resumed(folder: Path, epochs: int = 4, **wanted: Any) -> SmallTraining:
    first = trained(folder, extra=(CutOff(epochs // 2),), epochs=epochs, **wanted)
    assert len(first.chain.collector.epoch_metrics) == epochs // 2
    return trained(
        folder,
        first.chain.checkpoint.last,
        first=first.events[-1].sequence + 1,
        epochs=epochs,
        **wanted,
    )


def rows(training: SmallTraining) -> list[dict[str, Any]]:
    return [{**row, "timestamp": None} for row in training.chain.collector.epoch_metrics]


@pytest.mark.req("X-11.2")
@pytest.mark.parametrize(
    "wanted",
    [
        {"network": FROZEN, "progressive_unfreeze": True},
        {"scheduler": "plateau", "plateau_patience": 0, "optimizer": "sgd", "monitor": "val_loss"},
        {
            "scheduler": "one_cycle",
            "precision": "bf16-mixed",
            "accumulate": 2,
            "batch": 4,
            "channels_last": True,
        },
    ],
    ids=["unfreezing", "plateau", "one cycle in half the bits, channels last"],
)
def test_resuming_changes_nothing(wanted: dict[str, Any], tmp_path: Path) -> None:
    straight = trained(tmp_path / "straight", epochs=4, **wanted)
    resumed = cut_and_resumed(tmp_path / "cut", **wanted)
    assert resumed.trainer.global_step == straight.trainer.global_step
    assert all(one.equal(resumed.weights[name]) for name, one in straight.weights.items())
    assert rows(resumed) == rows(straight)
    assert names(resumed) == names(straight)


@pytest.mark.req("X-11.2")
def test_the_best_checkpoints_are_still_known_where_the_folder_was_moved(tmp_path: Path) -> None:
    first = trained(tmp_path / "before", extra=(CutOff(2),), epochs=3)
    kept = first.chain.checkpoint
    (tmp_path / "before").rename(tmp_path / "after")
    moved = prepared(tmp_path / "after", epochs=3)
    last = moved.chain.checkpoint.last
    moved.chain.checkpoint.load_state_dict(
        read_checkpoint(last)["callbacks"][moved.chain.checkpoint.state_key]
    )
    again = moved.chain.checkpoint
    assert again.best == tmp_path / "after" / Path(kept.best_model_path).name
    assert again.best.is_file()
    assert epoch_of(again.best) == (first.chain.collector.best_row or {})["epoch"]
    assert {Path(path).name: float(score) for path, score in again.best_k_models.items()} == {
        Path(path).name: float(score) for path, score in kept.best_k_models.items()
    }
    assert again.best_model_score == kept.best_model_score
    assert epoch_of(tmp_path / "none") is None


@pytest.mark.req("X-6.1")
def test_resuming_restores_which_layers_were_trainable(tmp_path: Path) -> None:
    first = trained(tmp_path, network=FROZEN, extra=(Unfreezes(), CutOff(2)), epochs=3)
    names_then = first.module.model.trainable_names()
    assert 0 < first.module.model.fine_tune_layers_count < 9
    again = prepared(tmp_path, network=FROZEN)
    assert again.module.model.fine_tune_layers_count == 0
    restore_network(again.module.model, first.chain.checkpoint.last)
    assert again.module.model.trainable_names() == names_then
    resumed = trained(tmp_path, first.chain.checkpoint.last, network=FROZEN, epochs=3)
    assert resumed.module.model.trainable_names() == names_then
    before, after = first.weights, resumed.weights
    assert not before["features.layer4.1.conv1.weight"].equal(
        after["features.layer4.1.conv1.weight"]
    )
    assert before["features.conv1.weight"].equal(after["features.conv1.weight"])


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    last = trained(tmp_path, epochs=1).chain.checkpoint.last
    other = build_network(NetworkSettings("resnet18", width=8, head=(8,), stem="3x3"))
    with pytest.raises(CheckpointError, match="another network: one with width 4"):
        restore_network(other, last)


@pytest.mark.req("X-8.1")
def test_neither_saving_nor_resuming_pickles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_settings: Any) -> NoReturn:
        raise AssertionError("pickled")

    monkeypatch.setattr(torch, "save", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    resumed = cut_and_resumed(tmp_path, epochs=2)
    assert len(rows(resumed)) == 2


def names(training: SmallTraining) -> list[str]:
    return sorted(path.name for path in Path(training.chain.checkpoint.dirpath).iterdir())


class Unfreezes(CutOff):
    """By hand, as an owner of a run may: nothing but the checkpoint knows of it."""

    def __init__(self) -> None:
        super().__init__(epoch=-1)

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == 1:
            module.progressive_unfreeze(3)
