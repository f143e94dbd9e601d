"""Training of image classifiers, around Lightning.

Names are loaded when they are first asked for: settings and messages do not wait for torch.

>>> from deepmed.learning.classification import TrainingSettings
>>> TrainingSettings().monitor
'val_auroc'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from deepmed.learning.classification.checkpoints import read_checkpoint, write_checkpoint
    from deepmed.learning.classification.errors import (
        CheckpointError,
        TrainingCancelledError,
        TrainingSettingsError,
    )
    from deepmed.learning.classification.events import (
        EVENT_TYPES,
        Event,
        EventStream,
        RunFacts,
        Sink,
    )
    from deepmed.learning.classification.loss import LossFactory, class_weights, probabilities
    from deepmed.learning.classification.metrics import MetricsHandler
    from deepmed.learning.classification.module import LitResNetEnhanced, restore_network
    from deepmed.learning.classification.optimizers import OptimizerFactory
    from deepmed.learning.classification.settings import TrainingSettings
    from deepmed.learning.classification.steps import Step, StepLogic
    from deepmed.learning.classification.trainer import (
        CallbacksSetup,
        Chain,
        ModelSetupUtils,
        fit_network,
        predict_network,
    )

_NAMES_IN = {
    "callbacks.batches": ("BatchMetricsCallback",),
    "callbacks.best_recall": ("HighestValRecallCallback",),
    "callbacks.cancelling": ("CancellationCallback",),
    "callbacks.checkpoint": ("ModelCheckpoint",),
    "callbacks.collector": ("MetricsCollectorCallback",),
    "callbacks.gradients": ("GradientMonitorCallback",),
    "callbacks.learning_rate": ("LearningRateMonitor",),
    "callbacks.seeding": ("EpochSeedsCallback",),
    "callbacks.stopping": ("EarlyStopping", "EarlyStoppingSignalCallback"),
    "callbacks.unfreezing": ("ProgressiveUnfreezeCallback",),
    "checkpoint_io": ("SafetensorsCheckpointIO",),
    "checkpoints": ("read_checkpoint", "write_checkpoint"),
    "errors": ("CheckpointError", "TrainingCancelledError", "TrainingSettingsError"),
    "events": ("EVENT_TYPES", "Event", "EventStream", "RunFacts", "Sink"),
    "loss": ("LossFactory", "class_weights", "probabilities"),
    "metrics": ("MetricsHandler",),
    "module": ("LitResNetEnhanced", "restore_network"),
    "optimizers": ("OptimizerFactory",),
    "settings": ("TrainingSettings",),
    "steps": ("Step", "StepLogic"),
    "trainer": ("CallbacksSetup", "Chain", "ModelSetupUtils", "fit_network", "predict_network"),
}
_MODULE_OF = {name: module for module, names in _NAMES_IN.items() for name in names}

__all__ = [
    "EVENT_TYPES",
    "BatchMetricsCallback",
    "CallbacksSetup",
    "CancellationCallback",
    "Chain",
    "CheckpointError",
    "EarlyStopping",
    "EarlyStoppingSignalCallback",
    "EpochSeedsCallback",
    "Event",
    "EventStream",
    "GradientMonitorCallback",
    "HighestValRecallCallback",
    "LearningRateMonitor",
    "LitResNetEnhanced",
    "LossFactory",
    "MetricsCollectorCallback",
    "MetricsHandler",
    "ModelCheckpoint",
    "ModelSetupUtils",
    "OptimizerFactory",
    "ProgressiveUnfreezeCallback",
    "RunFacts",
    "SafetensorsCheckpointIO",
    "Sink",
    "Step",
    "StepLogic",
    "TrainingCancelledError",
    "TrainingSettings",
    "TrainingSettingsError",
    "class_weights",
    "fit_network",
    "predict_network",
    "probabilities",
    "read_checkpoint",
    "restore_network",
    "write_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"deepmed.learning.classification has no name {name!r}.")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
