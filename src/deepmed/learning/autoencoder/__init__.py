"""One-class autoencoder: it learns to rebuild typical embeddings and fails on unusual ones."""

from deepmed.learning.autoencoder.config import TrainingConfig
from deepmed.learning.autoencoder.model import AutoencoderModel
from deepmed.learning.autoencoder.stopping import EarlyStopping
from deepmed.learning.autoencoder.trainer import AutoencoderTrainer, EpochReport

__all__ = [
    "AutoencoderModel",
    "AutoencoderTrainer",
    "EarlyStopping",
    "EpochReport",
    "TrainingConfig",
]
