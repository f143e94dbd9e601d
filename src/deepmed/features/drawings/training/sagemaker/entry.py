"""What runs in the container: the same training as on this machine, between Amazon's folders."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from deepmed.features.drawings.embeddings.service import EmbeddingService
from deepmed.features.drawings.training.config.composing import checked
from deepmed.features.drawings.training.datasets import Dataset
from deepmed.features.drawings.training.running import Watcher, train
from deepmed.features.drawings.training.sagemaker.job_config import CHANNEL
from deepmed.features.drawings.training.sagemaker.uploading import TABLE
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import DeepMedError
from deepmed.kit.files import write_atomically
from deepmed.kit.storage import FileStorageService
from deepmed.learning.errors import LearningError

OPT_ML = Path("/opt/ml")


class HyperParameters(BaseModel):
    """As Amazon hands them over: texts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    config: str
    encoder: str


def main(root: Path = OPT_ML) -> int:
    """Train on `input/data/training` and leave the result in `model`; 1 where that failed.

    Why it failed stands in `output/failure`, from where Amazon shows it.
    """
    try:
        _train(root)
    except (DeepMedError, LearningError, ValueError) as error:
        told = getattr(error, "message", None) or str(error)
        write_atomically(root / "output" / "failure", told.encode())
        sys.stderr.write(f"{told}\n")
        return 1
    return 0


def _train(root: Path) -> None:
    text = (root / "input" / "config" / "hyperparameters.json").read_text(encoding="utf-8")
    wanted = HyperParameters.model_validate_json(text)
    config = checked(json.loads(wanted.config))
    data = root / "input" / "data" / CHANNEL
    with tempfile.TemporaryDirectory() as home:
        settings = kit_settings.load(home=home, encoder=wanted.encoder)
        service = EmbeddingService(settings, FileStorageService("memory:///"))
        dataset = Dataset(str(data), TABLE, by_path=True)
        trained = train(service, config, dataset, root / "checkpoints", _watcher())
    for name, content in trained.files.items():
        write_atomically(root / "model" / name, content)


def _watcher() -> Watcher:
    return Watcher(_step, _progress, lambda: _say("Training begins."))


def _step(done: int, total: int, text: str) -> None:
    _say(f"{text}: {done} of {total}")


def _progress(progress: dict[str, Any]) -> None:
    """In a form that Amazon can read metrics from."""
    _say(f"train_loss={progress['train_loss']}; validation_loss={progress['val_loss']};")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
