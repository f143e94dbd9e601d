"""A training on this machine, as a worker runs it: it goes on where an earlier run stopped."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.tables import TrainingJob
from deepmed.features.drawings.training.config.composing import checked
from deepmed.features.drawings.training.config.models import TrainingConfig
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.fitting import (
    Checkpoint,
    Checkpoints,
    Fitted,
    calibrated,
    fit,
)
from deepmed.features.drawings.training.preparing import TrainingData, prepare
from deepmed.features.drawings.training.reports.document import TrainingReportDocument
from deepmed.features.drawings.training.reports.generator import TrainingReportGenerator
from deepmed.features.drawings.training.telling import TELL_SECONDS, EpochLosses, Tell, unheard
from deepmed.features.drawings.training.vectors import VectorStore
from deepmed.kit.files import write_atomically
from deepmed.learning.autoencoder.monitoring import TrainingProgress, TrainingProgressMonitor
from deepmed.learning.reference import to_files

ITEMS_FILE = "items.json"
_CHECKPOINT = "checkpoint.safetensors"
_TELL_SECONDS = TELL_SECONDS


@dataclass(frozen=True)
class Watcher:
    """Whom a training tells of itself. What they raise ends it.

    Attributes:
        step: (done, total, what) of pictures and epochs.
        progress: how far the fit is; at most four times a second.
        training: called once, when the pictures are ready and the fit begins.
        epochs: the losses of epochs that ended; at most four times a second, and at the end.
    """

    step: Callable[[int, int, str], None]
    progress: Callable[[dict[str, Any]], None]
    training: Callable[[], None]
    epochs: Tell = unheard


@dataclass(frozen=True)
class Trained:
    """The files of a finished training and its report."""

    files: dict[str, bytes]
    document: TrainingReportDocument


def train(
    service: EmbeddingService,
    config: TrainingConfig,
    dataset: Dataset,
    folder: Path,
    watcher: Watcher,
) -> Trained:
    """Train as configured, keeping vectors and checkpoints in a folder.

    Nothing is asked of a database, so that it runs the same on a machine that has none.

    Raises:
        DatasetRefusedError: the folder cannot be trained on.
        AutoencoderTrainingError: the training diverged beyond recovery.
        MetricsCalculationError: it came to nothing that could be reported.
    """
    data = prepare(
        dataset.find(service.settings),
        service,
        config.data,
        config.seed,
        vectors=VectorStore(service.identity.key, folder),
        progress=lambda done, total: watcher.step(done, total, "Reading and embedding drawings"),
    )
    watcher.training()
    monitor = _monitor(config, watcher)
    losses = EpochLosses(monitor, watcher.epochs)
    fitted = fit(config, data, monitor, _checkpoints(folder))
    losses.flush()
    return _finished(fitted, data)


def configuration_of(training: TrainingJob) -> TrainingConfig:
    return checked(training.config_parameters)


def _finished(fitted: Fitted, data: TrainingData) -> Trained:
    generator, model = TrainingReportGenerator(), calibrated(fitted, data)
    document = generator.generate_comprehensive_report(fitted, model, data)
    items = [item.to_dict() for item in document.items]
    files = to_files(model) | generator.files(document)
    return Trained(files | {ITEMS_FILE: json.dumps(items).encode()}, document)


def _monitor(config: TrainingConfig, watcher: Watcher) -> TrainingProgressMonitor:
    monitor = TrainingProgressMonitor(config.epochs)
    told, epoch = [0.0], [0]

    def tell(progress: TrainingProgress) -> None:
        if progress.batch == progress.total_batches and progress.epoch != epoch[0]:
            epoch[0] = progress.epoch
            watcher.step(progress.epoch, progress.total_epochs, "Training")
        if progress.train_loss is not None and time.monotonic() - told[0] >= _TELL_SECONDS:
            told[0] = time.monotonic()
            watcher.progress(progress.to_dict())

    monitor.add_callback(tell)
    return monitor


def _checkpoints(folder: Path) -> Checkpoints:
    path = folder / _CHECKPOINT
    return Checkpoints(_read(path), lambda made: write_atomically(path, save(made)))


def _read(path: Path) -> Checkpoint | None:
    try:
        found: Checkpoint = load(path.read_bytes())
    except (FileNotFoundError, SafetensorError):  # a damaged one is as good as none
        return None
    return found
