"""Half the bits, several batches a step, clipped gradients, many devices."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy

from deepmed.learning.classification import (
    CallbacksSetup,
    Event,
    EventStream,
    ModelSetupUtils,
    TrainingSettings,
    fit_network,
)
from deepmed.learning.classification.bases import Watcher
from deepmed.learning.networks import NetworkSettings
from factories.forks import begin, ended
from factories.small_training import NETWORK, TRAINING, images, prepared, trained

PLAIN: dict[str, Any] = {"name": "vgg16", "width": 2, "head": (), "dropout": 0.0, "stem": "7x7"}
"""Without normalisation over a batch, so that a mean over batches is one over their images."""
STEPS: dict[str, Any] = {"optimizer": "sgd", "scheduler": "none", "epochs": 1, "weight_decay": 0.0}


class Steps(Watcher):
    """Counts steps, and keeps the type of number that the network computed with."""

    def __init__(self) -> None:
        self.count = 0
        self.types: set[torch.dtype] = set()

    def on_fit_start(self, _trainer: Any, module: Any) -> None:
        module.model.features.register_forward_hook(lambda *seen: self.types.add(seen[2].dtype))

    def on_before_zero_grad(self, _trainer: Any, _module: Any, _optimizer: Any) -> None:
        self.count += 1


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([(after[name] - one).flatten() for name, one in before.items()])


class Layouts(Watcher):
    """Whether the channels of the first stage's weights lie side by side."""

    def __init__(self) -> None:
        self.seen: set[bool] = set()

    def on_train_batch_start(self, _trainer: Any, module: Any, *_: Any) -> None:
        layouts = [
            one.is_contiguous(memory_format=torch.channels_last)
            for one in module.model.features.parameters()
            if one.dim() == 4 and min(one.shape[:2]) > 1
        ]
        self.seen.add(all(layouts))


def step(folder: Path, **wanted: Any) -> torch.Tensor:
    """How far one epoch moved all weights."""
    start = prepared(folder, network=PLAIN, **STEPS).weights
    before = {name: one.clone() for name, one in start.items()}
    return moved(before, trained(folder, network=PLAIN, **STEPS, **wanted).weights)


@pytest.mark.req("X-12.1")
def test_batches_that_are_accumulated_are_one_step(tmp_path: Path) -> None:
    whole = step(tmp_path / "whole", batch=16, learning_rate=0.1, gradient_clip=None)
    parts = step(tmp_path / "parts", batch=4, learning_rate=0.1, gradient_clip=None, accumulate=4)
    assert whole.norm() > 0
    assert torch.allclose(whole, parts, rtol=1e-3, atol=1e-7)
    assert trained(tmp_path, batch=4, accumulate=4).trainer.global_step == 2


@pytest.mark.req("X-12.1")
def test_a_gradient_is_clipped_to_its_largest_norm(tmp_path: Path) -> None:
    free = step(tmp_path / "free", batch=16, learning_rate=1.0, gradient_clip=None)
    held = step(tmp_path / "held", batch=16, learning_rate=1.0, gradient_clip=1e-3)
    assert float(free.norm()) > 2e-3
    assert float(held.norm()) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.req("X-12.1")
def test_half_the_bits_are_computed_with_and_whole_ones_kept(tmp_path: Path) -> None:
    watcher = Steps()
    run = trained(tmp_path, extra=(watcher,), precision="bf16-mixed", epochs=1)
    assert watcher.types == {torch.bfloat16}
    assert {one.dtype for one in run.weights.values()} <= {torch.float32, torch.int64}
    (row,) = run.chain.collector.epoch_metrics
    assert 0 < row["train_loss"] < 10
    assert watcher.count == run.trainer.global_step == 2


def test_channels_lie_side_by_side_while_training_and_not_afterwards(tmp_path: Path) -> None:
    usual, other = Layouts(), Layouts()
    plain = trained(tmp_path / "plain", extra=(usual,), network=PLAIN, epochs=1)
    run = trained(tmp_path / "last", extra=(other,), network=PLAIN, epochs=1, channels_last=True)
    assert (usual.seen, other.seen) == ({False}, {True})
    assert all(one.is_contiguous() for one in run.weights.values())
    for name, one in plain.weights.items():
        assert torch.allclose(one, run.weights[name], rtol=1e-3, atol=1e-5)


@pytest.mark.req("X-12.1")
def test_several_devices_are_asked_of_lightning(tmp_path: Path) -> None:
    trainer = prepared(tmp_path, devices=2).trainer
    assert isinstance(trainer.strategy, DDPStrategy)
    assert trainer.num_devices == 2
    assert not isinstance(prepared(tmp_path).trainer.strategy, DDPStrategy)


class Compares(Watcher):
    """Writes down what a device has come to."""

    def __init__(self, folder: Path, events: list[Event]) -> None:
        self.folder, self.events = folder, events

    def on_train_end(self, trainer: Any, module: Any) -> None:
        weights = torch.cat([one.detach().flatten() for one in module.model.parameters()])
        found = {
            "weights": weights.double().sum().item(),
            "steps": trainer.global_step,
            "layers": module.model.fine_tune_layers_count,
            "said": len(self.events),
        }
        (self.folder / f"{trainer.global_rank}.json").write_text(json.dumps(found))


def learn_on_two(folder: Path) -> None:
    events: list[Event] = []
    settings = TrainingSettings(
        **{**TRAINING, "epochs": 3, "devices": 2, "progressive_unfreeze": True}
    )
    network = NetworkSettings(**{**NETWORK, "fine_tune_layers": 0})
    module, chain = ModelSetupUtils.build_model_and_callbacks(
        network, settings, [8, 8], folder / "kept", EventStream([events.append])
    )
    watching = (*chain.callbacks, Compares(folder, events))
    trainer = CallbacksSetup.create_trainer_from_config(settings, watching, folder, "ddp_fork")
    fit_network(trainer, module, images(batch=4), images(shuffled=False))


@pytest.mark.req("X-12.1")
def test_two_devices_learn_one_network_also_after_layers_joined(tmp_path: Path) -> None:
    # In a process of its own, as it begins others and leaves a group of devices behind.
    assert ended(begin(partial(learn_on_two, tmp_path))) == 0
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    # Each saw half of the images, so equal weights come of shared gradients alone.
    assert first["weights"] == second["weights"]
    assert first["steps"] == second["steps"] == 6
    assert first["layers"] == second["layers"] == 9
    assert (first["said"] > 0, second["said"]) == (True, 0)
    assert (tmp_path / "kept" / "last.safetensors").is_file()
