"""Puts network, callbacks and Lightning's trainer together."""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.warnings import PossibleUserWarning

from deepmed.kit import seeds
from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.callbacks.batches import BatchMetricsCallback
from deepmed.learning.classification.callbacks.best_recall import HighestValRecallCallback
from deepmed.learning.classification.callbacks.cancelling import CancellationCallback
from deepmed.learning.classification.callbacks.checkpoint import ModelCheckpoint
from deepmed.learning.classification.callbacks.collector import MetricsCollectorCallback
from deepmed.learning.classification.callbacks.gradients import GradientMonitorCallback
from deepmed.learning.classification.callbacks.learning_rate import LearningRateMonitor
from deepmed.learning.classification.callbacks.seeding import EpochSeedsCallback
from deepmed.learning.classification.callbacks.stopping import (
    EarlyStopping,
    EarlyStoppingSignalCallback,
)
from deepmed.learning.classification.callbacks.unfreezing import ProgressiveUnfreezeCallback
from deepmed.learning.classification.checkpoint_io import SafetensorsCheckpointIO
from deepmed.learning.classification.errors import TrainingSettingsError
from deepmed.learning.classification.events import EventStream, RunFacts
from deepmed.learning.classification.loss import class_weights
from deepmed.learning.classification.module import EPOCH_NUMBER, LitResNetEnhanced
from deepmed.learning.classification.ranks import RankOfMachine
from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.networks.registry import build_network
from deepmed.learning.networks.settings import NetworkSettings

_ADVICE = (
    "Checkpoint directory .* exists and is not empty",  # that of a run which is resumed
    "GPU available but not used",  # the run asked for another device
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning 2.6 with a newer torch
)


@dataclass(frozen=True)
class Chain:
    """The callbacks of a training, in the order in which they are declared.

    Attributes:
        callbacks: all of them.
        checkpoint: which knows the best and the last file.
        stopping: which knows whether and why training ended early.
        collector: which has the rows of all epochs.
        recall: which knows the highest recall of validation.

    Example:
        >>> chain = CallbacksSetup.prepare_trainer_and_callbacks_pl(
        ...     TrainingSettings(), Path("checkpoints"), EventStream([])
        ... )
        >>> type(chain.callbacks[0]).__name__
        'ModelCheckpoint'
    """

    callbacks: tuple[Any, ...]
    checkpoint: ModelCheckpoint
    stopping: EarlyStopping
    collector: MetricsCollectorCallback
    recall: HighestValRecallCallback


class CallbacksSetup:
    """Makes callbacks, trainer and weights of classes.

    Example:
        >>> CallbacksSetup.compute_class_weights_for_pl([0, 0, 0, 1])
        tensor([0.6667, 2.0000])
    """

    @staticmethod
    def prepare_trainer_and_callbacks_pl(
        settings: TrainingSettings,
        checkpoint_dir: Path,
        stream: EventStream,
        run: RunFacts | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
    ) -> Chain:
        """The chain of callbacks.

        They are called in this order, but for checkpoints: Lightning moves these to the end, so
        that a checkpoint has what all others know of its epoch.

        Args:
            settings: how is trained.
            checkpoint_dir: where checkpoints are kept.
            stream: where the run's course is told.
            run: what messages say about the run.
            cancelled: whether somebody wants the training to end.
        """
        stopping = EarlyStopping(settings)
        checkpoint = ModelCheckpoint(checkpoint_dir, settings)
        collector = MetricsCollectorCallback(stream, settings, run)
        recall = HighestValRecallCallback()
        callbacks: list[Watcher] = [
            checkpoint,
            stopping,
            EarlyStoppingSignalCallback(stopping, stream),
            LearningRateMonitor(stream),
            recall,
            collector,
            BatchMetricsCallback(stream, settings.batch_interval, run),
            GradientMonitorCallback(stream, settings.gradient_interval),
        ]
        if settings.progressive_unfreeze:
            callbacks.append(ProgressiveUnfreezeCallback(settings, stream))
        callbacks.append(EpochSeedsCallback(settings.seed))
        if cancelled is not None:
            callbacks.append(CancellationCallback(cancelled))
        return Chain(tuple(callbacks), checkpoint, stopping, collector, recall)

    @staticmethod
    def create_trainer_from_config(
        settings: TrainingSettings,
        callbacks: Sequence[Any],
        folder: Path,
        strategy: Any = None,
        place: RankOfMachine | None = None,
    ) -> Trainer:
        """Lightning's trainer, which reads and writes checkpoints our way alone.

        Args:
            settings: devices, precision, accumulation, clipping and epochs.
            callbacks: in order.
            folder: where Lightning puts what has no other place.
            strategy: one of Lightning's for many devices; DDP where there are several.
            place: which of several processes this one is, where others train along.
        """
        _quiet()
        with _without_advice():
            return Trainer(
                max_epochs=settings.epochs,
                accelerator=settings.accelerator,
                devices=settings.devices,
                strategy=strategy or ("ddp" if settings.devices > 1 else "auto"),
                precision=settings.precision,
                accumulate_grad_batches=settings.accumulate,
                gradient_clip_val=settings.gradient_clip,
                callbacks=list(callbacks),
                plugins=[SafetensorsCheckpointIO(), *([place] if place else [])],
                enable_checkpointing=any(isinstance(one, ModelCheckpoint) for one in callbacks),
                default_root_dir=folder,
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )

    @staticmethod
    def compute_class_weights_for_pl(labels: Sequence[int], classes: int = 2) -> torch.Tensor:
        """Weights by which all classes have the same say.

        Args:
            labels: of all training images, class indices.
            classes: how many there are.

        Returns:
            (classes,) float32.

        Raises:
            InsufficientDataError: a class has no image.
        """
        return class_weights([sum(label == one for label in labels) for one in range(classes)])


class ModelSetupUtils:
    """Makes what a training needs beside its data.

    Example:
        >>> module, chain = ModelSetupUtils.build_model_and_callbacks(
        ...     NetworkSettings("resnet18", width=4, head=(8,)),
        ...     TrainingSettings(),
        ...     [30, 10],
        ...     Path("checkpoints"),
        ...     EventStream([]),
        ... )
        >>> module.model.weights.source
        'random'
    """

    @staticmethod
    def build_model_and_callbacks(  # noqa: PLR0917 - each is a part that a run has
        network: NetworkSettings,
        training: TrainingSettings,
        class_counts: Sequence[int],
        checkpoint_dir: Path,
        stream: EventStream,
        run: RunFacts | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
        balanced_sampling: bool = False,
    ) -> tuple[LitResNetEnhanced, Chain]:
        """The network with its first weights, ready to train, and the callbacks.

        Args:
            network: what it is built from.
            training: how it is trained; its seed decides the random weights.
            class_counts: training images of each class: two for one logit.
            checkpoint_dir: where checkpoints are kept.
            stream: where the run's course is told.
            run: what messages say about the run.
            cancelled: whether somebody wants the training to end.
            balanced_sampling: whether the loader already shows classes equally often.

        Raises:
            TrainingSettingsError: layers were to be unfrozen, and none is frozen; or two answers to
                unequal classes were asked for at once.
            InsufficientDataError: a class has no image to learn from.
            ModelLoadingError: the pretrained weights cannot be used.
        """
        if training.progressive_unfreeze and network.fine_tune_layers is None:
            raise TrainingSettingsError(
                "Layers cannot be unfrozen step by step where none is frozen. Nothing was trained. "
                "Freeze the backbone with fine_tune_layers, or leave progressive_unfreeze out."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.derive(training.seed, "weights"))
            built = build_network(network)
        module = LitResNetEnhanced(
            built, training, class_counts, balanced_sampling=balanced_sampling
        )
        chain = CallbacksSetup.prepare_trainer_and_callbacks_pl(
            training, checkpoint_dir, stream, run, cancelled=cancelled
        )
        return module, chain

    @staticmethod
    def build_trainer(
        training: TrainingSettings,
        chain: Chain,
        logs_dir: Path,
        strategy: Any = None,
        place: RankOfMachine | None = None,
    ) -> Trainer:
        """See :meth:`CallbacksSetup.create_trainer_from_config`."""
        return CallbacksSetup.create_trainer_from_config(
            training, chain.callbacks, logs_dir, strategy, place
        )


def fit_network(
    trainer: Trainer,
    module: LitResNetEnhanced,
    train: Any,
    validation: Any = None,
    resume_from: Path | None = None,
) -> None:
    """Train, from the start or from a checkpoint on.

    A resumed training goes the same way as one that was never cut off, to the bit on one CPU, as
    long as its loader's order depends on nothing but the epoch or torch's own generator, which is
    seeded for each epoch.

    Args:
        trainer: from :class:`ModelSetupUtils`.
        module: likewise.
        train: Lightning's data module, or the loader of training.
        validation: the loader of validation, where no data module was given.
        resume_from: a checkpoint, best the chain's ``checkpoint.last``.

    Raises:
        CheckpointError: the checkpoint cannot be read, or is of another network.
        TrainingCancelledError: somebody asked for the end.
    """
    parts = {"datamodule": train} if validation is None else {"train_dataloaders": train}
    with _without_advice():
        trainer.fit(module, val_dataloaders=validation, ckpt_path=resume_from, **parts)


def predict_network(
    trainer: Trainer, module: LitResNetEnhanced, images: Any
) -> dict[str, torch.Tensor]:
    """What the network says of images, in the loader's order.

    Args:
        trainer: from :class:`ModelSetupUtils`.
        module: with the weights to look at, see :func:`restore_network`.
        images: a loader that does not shuffle.

    Returns:
        ``logits`` (N, 1) or (N, classes) float32, ``labels`` (N,) and ``index`` (N,), on the CPU.
    """
    with _without_advice():
        batches = trainer.predict(module, images)
    return {
        name: torch.cat([batch[name] for batch in batches]).cpu()
        for name in ("logits", "labels", "index")
    }


def measure_network(trainer: Trainer, module: LitResNetEnhanced, images: Any) -> dict[str, float]:
    """Loss and metrics of the network on images that are no test part.

    Args:
        trainer: from :class:`ModelSetupUtils`.
        module: with the weights to look at.
        images: a loader that does not shuffle.

    Returns:
        ``val_loss`` and ``val_`` before each name of :class:`MetricsHandler`.
    """
    with _without_advice():
        trainer.validate(module, images, verbose=False)
    measured = trainer.callback_metrics.items()
    return {name: float(value) for name, value in measured if name != EPOCH_NUMBER}


class _without_advice(warnings.catch_warnings):  # noqa: N801 - a context, read like a verb
    """Lightning's hints to its programmers; everything else is still said."""

    def __enter__(self) -> Any:
        found = super().__enter__()
        warnings.simplefilter("ignore", PossibleUserWarning)
        for message in _ADVICE:
            warnings.filterwarnings("ignore", message)
        return found


def _quiet() -> None:
    """Which devices there are, the run says itself."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
