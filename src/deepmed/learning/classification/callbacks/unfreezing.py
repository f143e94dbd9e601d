from typing import Any

from lightning.pytorch.strategies import DDPStrategy

from deepmed.learning.classification.bases import Watcher
from deepmed.learning.classification.events import EventStream
from deepmed.learning.classification.settings import LAYERS_PER_STEP, TrainingSettings


class ProgressiveUnfreezeCallback(Watcher):
    """Lets frozen layers of the backbone join, some epochs apart, from the last on.

    How many train in an epoch depends on the epoch alone, so that a resumed training has the same.

    Args:
        settings: with the epochs.
        stream: where it is said.
        layers_per_unfreeze: how many join at a time.

    Example:
        >>> callback = ProgressiveUnfreezeCallback(TrainingSettings(epochs=10), EventStream([]))
        >>> callback.unfreeze_epochs, callback.layers_per_unfreeze
        ([1, 3, 5, 7], 4)
    """

    def __init__(
        self,
        settings: TrainingSettings,
        stream: EventStream,
        layers_per_unfreeze: int = LAYERS_PER_STEP,
    ) -> None:
        self.unfreeze_epochs = list(settings.unfreeze_epochs)
        self.layers_per_unfreeze = layers_per_unfreeze
        self.stream = stream

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Where Lightning calls it."""
        self.on_epoch_start(trainer, pl_module)

    def on_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Let layers join where it is the epoch's turn."""
        network = pl_module.model
        due = sum(epoch <= trainer.current_epoch for epoch in self.unfreeze_epochs)
        first = network.settings.fine_tune_layers or 0
        wanted = min(len(network.layers()), first + due * self.layers_per_unfreeze)
        joining = wanted - network.fine_tune_layers_count
        if joining <= 0:
            return
        pl_module.progressive_unfreeze(joining)
        _share_gradients_anew(trainer)
        if trainer.is_global_zero:
            said = f"{wanted} of {len(network.layers())} layers of the backbone train from now on."
            self.stream.emit("status", {"status": "running", "message": said})


def _share_gradients_anew(trainer: Any) -> None:
    """DDP averages the gradients of those weights alone that trained when it was set up."""
    if isinstance(trainer.strategy, DDPStrategy):
        trainer.strategy.model = trainer.lightning_module
        trainer.strategy.configure_ddp()
