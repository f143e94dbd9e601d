"""One holder of images: learns from its own alone, and gives away weights and figures."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from deepmed.kit import seeds
from deepmed.learning.classification.callbacks.batches import BatchMetricsCallback
from deepmed.learning.classification.callbacks.cancelling import CancellationCallback
from deepmed.learning.classification.callbacks.collector import MetricsCollectorCallback
from deepmed.learning.classification.callbacks.gradients import GradientMonitorCallback
from deepmed.learning.classification.callbacks.learning_rate import LearningRateMonitor
from deepmed.learning.classification.callbacks.seeding import EpochSeedsCallback
from deepmed.learning.classification.events import Event, EventStream, RunFacts
from deepmed.learning.classification.module import LitResNetEnhanced
from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.classification.trainer import (
    CallbacksSetup,
    fit_network,
    measure_network,
)
from deepmed.learning.federated.proximal import ProximalTerm
from deepmed.learning.imaging.module import XRayDataModule
from deepmed.learning.imaging.sampling import EpochSampler
from deepmed.learning.networks.registry import build_network
from deepmed.learning.networks.settings import NetworkSettings

State = Mapping[str, torch.Tensor]
TOLD = ("epoch_end", "batch_metrics", "gradient_stats", "lr_update")
"""Which of its messages a client gives away."""


@dataclass(frozen=True)
class Order:
    """What a client is to do in a round.

    Attributes:
        round_number: from 1.
        epochs: passes over its own images.
        learning_rate: of all of them.
        proximal_mu: how strongly it is held near the common weights; 0 is not at all.

    Example:
        >>> Order(1, 2, 0.01).proximal_mu
        0.0
    """

    round_number: int
    epochs: int
    learning_rate: float
    proximal_mu: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What a client gives away after a round.

    Attributes:
        state: its weights, by name; none of an evaluation.
        examples: images that they were learned from, or measured on.
        metrics: ``train_`` and ``val_`` figures of the last local epoch; one that could not be had
            is left out.
        events: its messages, type and data.

    Example:
        >>> Answer({}, 12, {"val_acc": 0.5}).events
        ()
    """

    state: State
    examples: int
    metrics: Mapping[str, float]
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()


class LocalClient:
    """Trains and measures the common model on its own images.

    Args:
        number: from 0.
        data: its own training and validation images.
        network: what the network is built from.
        training: how it is trained, as in a centralised run; the schedule of the step is the
            server's.
        class_counts: training images of each class over all clients, so that the loss is the same
            everywhere.
        folder: where Lightning puts what has no other place.
        cancelled: whether somebody wants the training to end.
    """

    def __init__(  # noqa: PLR0917 - who it is, what it has, how it learns
        self,
        number: int,
        data: XRayDataModule,
        network: NetworkSettings,
        training: TrainingSettings,
        class_counts: Sequence[int],
        folder: Path,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.number = number
        self.data = data
        self._training = training
        self._folder = folder
        self._cancelled = cancelled
        # Weights come with every order: no pretrained file is read here.
        self._network = replace(network, weights=None, weights_sha256=None)
        self._class_counts = class_counts

    def train(self, state: State, order: Order) -> Answer:
        """Learn from its own images, from the common weights on.

        Args:
            state: the common weights, by name.
            order: how.

        Raises:
            TrainingCancelledError: somebody asked for the end.
        """
        said: list[Event] = []
        collector = MetricsCollectorCallback(
            stream := EventStream([said.append]),
            training := self._of_round(order),
            facts := RunFacts(
                training_mode="federated", client_id=self.number, round_number=order.round_number
            ),
        )
        callbacks: list[Any] = [
            EpochSeedsCallback(training.seed),
            LearningRateMonitor(stream),
            BatchMetricsCallback(stream, training.batch_interval, facts),
            collector,
        ]
        if order.proximal_mu:
            callbacks.append(ProximalTerm(dict(state), order.proximal_mu))
        # Behind the pull, which is part of the gradient that it steps by.
        callbacks.append(GradientMonitorCallback(stream, training.gradient_interval))
        if self._cancelled is not None:
            callbacks.append(CancellationCallback(self._cancelled))
        module = self._module(state, training)
        first = (order.round_number - 1) * order.epochs
        trainer = CallbacksSetup.create_trainer_from_config(training, callbacks, self._folder)
        fit_network(trainer, module, self._loader(first), self.data.val_dataloader())
        return Answer(
            {name: one.detach().cpu().clone() for name, one in module.model.state_dict().items()},
            len(self.data.train_dataset),
            _numbers(collector.epoch_metrics[-1]),
            tuple((one.type, _of_all(one.data, first)) for one in said if one.type in TOLD),
        )

    def evaluate(self, state: State) -> Answer:
        """Measure the common model on its own validation images.

        Args:
            state: the common weights, by name.
        """
        training = replace(self._training, devices=1)
        trainer = CallbacksSetup.create_trainer_from_config(training, (), self._folder)
        found = measure_network(trainer, self._module(state, training), self.data.val_dataloader())
        return Answer({}, len(self.data.val_dataset), _numbers(found))

    def _of_round(self, order: Order) -> TrainingSettings:
        return replace(
            self._training,
            epochs=order.epochs,
            learning_rate=order.learning_rate,
            scheduler="none",
            devices=1,
            seed=seeds.derive(
                self._training.seed, "federated-client", self.number, order.round_number
            ),
        )

    def _module(self, state: State, training: TrainingSettings) -> LitResNetEnhanced:
        module = LitResNetEnhanced(build_network(self._network), training, self._class_counts)
        load_state(module, state)
        return module

    def _loader(self, first_epoch: int) -> DataLoader[Any]:
        data, settings = self.data.train_dataset, self.data.settings
        return DataLoader(
            data,
            batch_size=settings.batch_size,
            sampler=_LaterSampler(data, settings.seed, first_epoch),
            # Batch normalisation has nothing to normalise by in a batch of one.
            drop_last=len(data) % settings.batch_size == 1 < len(data),
            num_workers=0,
            generator=torch.Generator().manual_seed(seeds.derive(settings.seed, "loader") % 2**63),
        )


def load_state(module: LitResNetEnhanced, state: State) -> None:
    """Put weights into a network; averages of whole numbers are rounded.

    Args:
        module: of the same network.
        state: by name.
    """
    known = module.model.state_dict()
    module.model.load_state_dict({name: _as(state[name], one) for name, one in known.items()})


def _as(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return value.to(like.dtype) if like.is_floating_point() else value.round().to(like.dtype)


class _LaterSampler(EpochSampler):
    """Goes on where the round before ended, so that no round sees the order of another."""

    def __init__(self, data: Any, seed: int, first_epoch: int) -> None:
        super().__init__(data, seed=seed)
        self._first_epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        super().set_epoch(self._first_epoch + epoch)


def _of_all(data: Mapping[str, Any], first: int) -> dict[str, Any]:
    """Epochs counted over all rounds."""
    metrics = data.get("metrics")
    counted = data if "epoch" not in data else {**data, "epoch": data["epoch"] + first}
    return dict(counted) if metrics is None else {**counted, "metrics": _of_all(metrics, first)}


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The figures among what is known of an epoch; what is no number (nan) is left out."""
    return {
        name: float(value)
        for name, value in row.items()
        if name.startswith(("train_", "val_")) and not math.isnan(value)
    }
