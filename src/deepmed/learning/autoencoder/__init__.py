"""One-class autoencoder: it learns to rebuild typical embeddings and fails on unusual ones."""

from deepmed.learning.autoencoder.config import TrainingConfig
from deepmed.learning.autoencoder.enhanced import EnhancedAutoencoderTrainer
from deepmed.learning.autoencoder.model import AutoencoderModel
from deepmed.learning.autoencoder.monitoring import (
    TrainingProgress,
    TrainingProgressError,
    TrainingProgressMonitor,
)
from deepmed.learning.autoencoder.stopping import EarlyStopping
from deepmed.learning.autoencoder.trainer import AutoencoderTrainer, EpochReport

__all__ = [
    "AutoencoderModel",
    "AutoencoderTrainer",
    "EarlyStopping",
    "EnhancedAutoencoderTrainer",
    "EpochReport",
    "TrainingConfig",
    "TrainingProgress",
    "TrainingProgressError",
    "TrainingProgressMonitor",
]
