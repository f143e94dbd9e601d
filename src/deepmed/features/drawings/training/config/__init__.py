"""What a training may be told, and where such configurations come from."""

from deepmed.features.drawings.training.config.choices import (
    LossType,
    OptimizerType,
    SchedulerType,
    TrainingEnvironment,
)
from deepmed.features.drawings.training.config.manager import TrainingConfigManager
from deepmed.features.drawings.training.config.models import (
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    SchedulerConfig,
    TrainingConfig,
)
from deepmed.features.drawings.training.config.sweeps import ParameterSweepConfig

__all__ = [
    "DataConfig",
    "LossType",
    "ModelConfig",
    "OptimizerConfig",
    "OptimizerType",
    "ParameterSweepConfig",
    "SchedulerConfig",
    "SchedulerType",
    "TrainingConfig",
    "TrainingConfigManager",
    "TrainingEnvironment",
]
