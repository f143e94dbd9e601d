"""A real training, as small as one can be: 16 images of 16x16, and a narrow ResNet-18."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from deepmed.learning.classification import (
    CallbacksSetup,
    Chain,
    Event,
    EventStream,
    LitResNetEnhanced,
    ModelSetupUtils,
    RunFacts,
    TrainingSettings,
    fit_network,
)
from deepmed.learning.classification.bases import Watcher
from deepmed.learning.networks import NetworkSettings

NETWORK: dict[str, Any] = {"name": "resnet18", "width": 4, "head": (8,), "stem": "3x3"}
TRAINING: dict[str, Any] = {
    "epochs": 2,
    "accelerator": "cpu",
    "batch_interval": 2,
    "gradient_interval": 2,
}


class CutOffError(Exception):
    """What ends a training in a test as a failing machine would."""


class CutOff(Watcher):
    """Ends a training at the start of an epoch, counted from 0."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: Any, _module: Any) -> None:
        if trainer.current_epoch == self.epoch:
            raise CutOffError("the machine failed")


@dataclass
class SmallTraining:
    """What a training left behind."""

    module: LitResNetEnhanced
    chain: Chain
    trainer: Any
    events: list[Event] = field(default_factory=list)

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.data) for event in self.events if event.type == kind]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return dict(self.module.model.state_dict())


def images(count: int = 16, batch: int = 8, classes: int = 2, *, shuffled: bool = True) -> Any:
    """The higher the class, the brighter."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    pixels = torch.rand(count, 3, 16, 16, generator=random) + 0.3 * labels[:, None, None, None]
    rows = TensorDataset(pixels, labels, torch.arange(count))
    return DataLoader(rows, batch_size=batch, shuffle=shuffled)


def prepared(
    folder: Path,
    network: dict[str, Any] | None = None,
    extra: tuple[Any, ...] = (),
    first: int = 0,
    counts: tuple[int, ...] = (8, 8),
    **training: Any,
) -> SmallTraining:
    """Everything but the training itself."""
    settings = TrainingSettings(**{**TRAINING, **training})
    events: list[Event] = []
    module, chain = ModelSetupUtils.build_model_and_callbacks(
        NetworkSettings(**{**NETWORK, **(network or {})}),
        settings,
        counts,
        folder,
        EventStream([events.append], first),
        RunFacts(7, "small"),
    )
    trainer = CallbacksSetup.create_trainer_from_config(
        settings, (*chain.callbacks, *extra), folder
    )
    return SmallTraining(module, chain, trainer, events)


def trained(folder: Path, resume_from: Path | None = None, **wanted: Any) -> SmallTraining:
    """A training from start to end, or to where something in `extra` cuts it off."""
    batch = wanted.pop("batch", 8)
    made = prepared(folder, **wanted)
    with contextlib.suppress(CutOffError):
        fit_network(
            made.trainer, made.module, images(batch=batch), images(shuffled=False), resume_from
        )
    return made
