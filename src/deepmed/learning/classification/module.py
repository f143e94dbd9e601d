"""A network with what Lightning needs to train it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from deepmed.learning.classification.bases import Module
from deepmed.learning.classification.checkpoints import read_checkpoint
from deepmed.learning.classification.errors import CheckpointError, TrainingSettingsError
from deepmed.learning.classification.loss import LossFactory
from deepmed.learning.classification.metrics import MetricsHandler, training_metrics
from deepmed.learning.classification.optimizers import OptimizerFactory
from deepmed.learning.classification.settings import TrainingSettings
from deepmed.learning.classification.steps import Batch, StepLogic
from deepmed.learning.networks.errors import NetworkChoiceError
from deepmed.learning.networks.with_head import NetworkWithCustomHead

EPOCH_NUMBER = "epoch_number"
"""Counted from 1, for the names of checkpoints."""
_STORED = "deepmed"
_ARCHITECTURE = ("name", "channels", "classes", "head", "stem", "max_pool", "width")


class LitResNetEnhanced(Module):
    """What Lightning trains: network, loss, optimiser and metrics together.

    It logs ``train_loss``, ``train_acc`` and ``train_f1`` once an epoch, and of validation
    ``val_loss`` and ``val_`` before each name of :class:`MetricsHandler`; likewise ``test_``.

    Args:
        network: from ``build_network``, with the first weights.
        training: how it is trained.
        class_counts: training images of each class: two for one logit.
        balanced_sampling: whether the loader already shows classes equally often.

    Raises:
        TrainingSettingsError: as many classes as the network has outputs were not counted, or two
            answers to unequal classes were asked for at once.
        InsufficientDataError: a class has no image to learn from.

    Example:
        >>> from deepmed.learning.networks import NetworkSettings, build_network
        >>> network = build_network(NetworkSettings("resnet18", width=4, head=(8,)))
        >>> module = LitResNetEnhanced(network, TrainingSettings(), [30, 10])
        >>> module(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 1])
    """

    def __init__(
        self,
        network: NetworkWithCustomHead,
        training: TrainingSettings,
        class_counts: Sequence[int],
        *,
        balanced_sampling: bool = False,
    ) -> None:
        super().__init__()
        if len(class_counts) != max(2, network.num_classes):
            raise TrainingSettingsError(
                f"Images of {len(class_counts)} classes were counted, and the network tells "
                f"{max(2, network.num_classes)} apart. Nothing was trained."
            )
        self.model = network
        self.training_settings = training
        self.loss_function: nn.Module = LossFactory.from_settings(
            training, class_counts, balanced_sampling=balanced_sampling
        )
        self.train_metrics = training_metrics(network.num_classes)
        self.metrics_handler = MetricsHandler(network.num_classes)
        self.step_logic = StepLogic()

    def on_fit_start(self) -> None:
        """Lay the weights out as the training wants them; loaded images follow the weights."""
        if self.training_settings.channels_last:
            _lay_out(self.model, torch.channels_last)

    def on_fit_end(self) -> None:
        """Lay them out as usual again, as in use: what is stored is then what is served."""
        _lay_out(self.model, torch.contiguous_format)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits.

        Args:
            x: (B, C, H, W) float32, normalised.

        Returns:
            (B, 1) or (B, classes).
        """
        logits: torch.Tensor = self.model(x)
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, torch.Tensor]:
        """Learn from a batch.

        Returns:
            ``loss`` with its gradient; for callbacks ``batch_loss`` (which Lightning does not
            divide by accumulated batches), ``predictions`` and ``labels``.
        """
        del batch_idx
        step = self.step_logic.execute_training_step(batch, self.model, self.loss_function)
        images = len(step.labels)
        self.train_metrics.update(step.predictions, step.labels)
        once = {"on_step": False, "on_epoch": True, "batch_size": images}
        self.log("train_loss", step.loss.detach(), sync_dist=True, **once)
        self.log_dict(self.train_metrics, **once)
        return {
            "loss": step.loss,
            "batch_loss": step.loss.detach(),
            "predictions": step.predictions,
            "labels": step.labels,
        }

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, torch.Tensor]:
        """Measure a batch of validation.

        Returns:
            ``loss``, ``logits``, ``labels`` and ``index``.
        """
        del batch_idx
        return self._measure(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, torch.Tensor]:
        """Measure a batch of the test part, which is looked at once.

        Returns:
            As :meth:`validation_step`.
        """
        del batch_idx
        return self._measure(batch, "test")

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, torch.Tensor]:
        """Logits of a batch with its labels and places, for an evaluation.

        Returns:
            ``logits`` (B, 1) or (B, classes) float32, ``labels`` (B,) and ``index`` (B,).
        """
        del batch_idx
        images, labels, index = batch
        return {"logits": self.model(images).float(), "labels": labels, "index": index}

    def on_validation_epoch_start(self) -> None:
        """Forget what was measured before."""
        self.metrics_handler.reset()

    def on_test_epoch_start(self) -> None:
        """Forget what was measured before."""
        self.metrics_handler.reset()

    def on_validation_epoch_end(self) -> None:
        """Log what was measured."""
        self._log_gathered("val")
        self.log(EPOCH_NUMBER, float(self.current_epoch + 1))

    def on_test_epoch_end(self) -> None:
        """Log what was measured."""
        self._log_gathered("test")

    def configure_optimizers(self) -> dict[str, Any]:
        """See :class:`OptimizerFactory`."""
        # Asking for the steps makes the trainer count the batches.
        steps = int(self.trainer.estimated_stepping_batches)
        batches = int(self.trainer.num_training_batches)
        return OptimizerFactory.create_configuration(
            self.model.parameters(), self.training_settings, batches, steps
        )

    def progressive_unfreeze(self, layers_to_unfreeze: int) -> None:
        """Let more of the backbone train, from the last frozen layer on.

        Args:
            layers_to_unfreeze: how many more.
        """
        already = self.model.fine_tune_layers_count
        self.model.unfreeze_last_n_layers(already + layers_to_unfreeze)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep which weights train, which Lightning does not."""
        checkpoint[_STORED] = {
            "trainable": self.model.trainable_names(),
            "network": self.model.settings.to_json(),
            "training": self.training_settings.to_json(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the same weights train as when the checkpoint was written.

        Raises:
            CheckpointError: it is of another network.
        """
        _restore_trainable(self.model, checkpoint)

    @classmethod
    def load_from_checkpoint(cls, *_arguments: Any, **_settings: Any) -> NoReturn:
        """Lightning's way, which unpickles, is closed.

        Raises:
            CheckpointError: always.
        """
        raise CheckpointError(
            "Checkpoints are not unpickled. Build the network from its settings, and call "
            "restore_network with the file."
        )

    def _measure(self, batch: Batch, part: str) -> dict[str, torch.Tensor]:
        found = self.step_logic.execute_validation_step(
            batch, self.model, self.loss_function, self.metrics_handler
        )
        images = len(found["labels"])
        self.log(f"{part}_loss", found["loss"], on_epoch=True, batch_size=images, sync_dist=True)
        return found

    def _log_gathered(self, part: str) -> None:
        measured = self.metrics_handler.gathered()
        self.log_dict({f"{part}_{name}": value for name, value in measured.items()})


def _lay_out(network: nn.Module, layout: torch.memory_format) -> None:
    """Move weights of convolutions in memory; optimisers keep hold of them."""
    for weight in network.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=layout)


def restore_network(network: NetworkWithCustomHead, path: Path) -> None:
    """Put a checkpoint's weights into a network, to use them.

    Args:
        network: of the same settings.
        path: of a checkpoint.

    Raises:
        CheckpointError: the file cannot be read, or is of another network; nothing was changed.
    """
    checkpoint = read_checkpoint(path)
    _restore_trainable(network, checkpoint)
    weights = {
        name.removeprefix("model."): one
        for name, one in checkpoint["state_dict"].items()
        if name.startswith("model.")
    }
    network.load_state_dict(weights)


def _restore_trainable(network: NetworkWithCustomHead, checkpoint: dict[str, Any]) -> None:
    try:
        stored = checkpoint[_STORED]
        theirs = {name: stored["network"][name] for name in _ARCHITECTURE}
        trainable = stored["trainable"]
    except KeyError as error:
        raise CheckpointError(
            "The checkpoint does not say which network it is of. Nothing was resumed. Take a "
            "checkpoint that a training of DeepMed wrote."
        ) from error
    settings = network.settings.to_json()
    ours = {name: settings[name] for name in _ARCHITECTURE}
    if ours != theirs:
        other = ", ".join(f"{name} {theirs[name]}" for name in ours if ours[name] != theirs[name])
        raise CheckpointError(
            f"The checkpoint is of another network: one with {other}. Nothing was resumed. Build "
            "the network with the run's own settings."
        )
    try:
        network.set_trainable(trainable)
    except NetworkChoiceError as error:
        raise CheckpointError(f"The checkpoint does not fit: {error}") from error
