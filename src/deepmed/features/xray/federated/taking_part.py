"""The clients of a run: inside of its process one after another, or each as a process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from deepmed.features.xray.configuration.models import XrayConfig
from deepmed.features.xray.configuration.settings import (
    data_settings,
    network_settings,
    preprocessing_of,
    training_settings,
)
from deepmed.features.xray.federated.dealt import LEAST_TRAINING, Holding
from deepmed.features.xray.federated.processes import client_processes
from deepmed.features.xray.source.stored import read_image
from deepmed.kit import seeds
from deepmed.learning.classification import TrainingCancelledError
from deepmed.learning.federated.app import LocalGrid, client_app
from deepmed.learning.federated.client import LocalClient
from deepmed.learning.federated.grid import ClientGrid
from deepmed.learning.imaging import Minimum, XRayDataModule

_READABLE = 0.5


@dataclass(frozen=True)
class Work:
    """What is the same for all clients of a run."""

    config: XrayConfig
    classes: int
    class_counts: Sequence[int]
    folder: Path
    cancelled: Callable[[], bool]

    def go_on(self) -> None:
        """Raises TrainingCancelledError where somebody asked for the end."""
        if self.cancelled():
            raise TrainingCancelledError(
                "The training was cancelled. What was learned up to its last finished round is "
                "kept; resume it to go on from there."
            )


@contextmanager
def taking_part(work: Work, holdings: Sequence[Holding]) -> Iterator[ClientGrid]:
    """A grid of the clients, as long as it is used."""
    if work.config.federated.clients_run == "processes":
        with client_processes(
            work.folder / "checkpoints" / "clients",
            _said(work, len(holdings)),
            holdings,
            work.go_on,
        ) as grid:
            yield grid
        return
    clients = enumerate(holdings)
    epochs = work.config.experiment.local_epochs
    yield LocalGrid(
        {number: client_app(local_client(work, number, own), epochs) for number, own in clients}
    )


def _said(work: Work, clients: int) -> dict[str, Any]:
    return {
        "configuration": work.config.model_dump(mode="json"),
        "classes": work.classes,
        "class_counts": list(work.class_counts),
        "folder": str(work.folder),
        "threads": max(1, torch.get_num_threads() // clients),
    }


def local_client(work: Work, number: int, own: Holding) -> LocalClient:
    """A client over its own images."""
    config = work.config
    settings = data_settings(config, work.folder / "cache")
    data = XRayDataModule(
        own.train,
        own.validation,
        None,
        preprocessing_of(config),
        replace(
            settings,
            seed=seeds.derive(settings.seed, "federated-images", number),
            workers=0,
            memory_limit_bytes=settings.memory_limit_bytes // config.experiment.num_clients,
            training_minimum=Minimum(share=_READABLE, images=LEAST_TRAINING),
        ),
        read_image,
    )
    return LocalClient(
        number,
        data,
        # Pretrained weights come with the first round.
        network_settings(_without_weights(config), work.classes),
        training_settings(config),
        work.class_counts,
        work.folder,
        cancelled=work.cancelled,
    )


def _without_weights(config: XrayConfig) -> XrayConfig:
    chosen = config.experiment.model_copy(update={"weights": None, "weights_sha256": None})
    return config.model_copy(update={"experiment": chosen})
