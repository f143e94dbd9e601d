import os
from pathlib import Path
from typing import Any

from deepmed.kit.ids import new_uid
from deepmed.learning.classification.bases import Keeper
from deepmed.learning.classification.checkpoints import EXTENSION, read_checkpoint
from deepmed.learning.classification.module import EPOCH_NUMBER
from deepmed.learning.classification.settings import TrainingSettings


class ModelCheckpoint(Keeper):
    """Keeps the best checkpoints by the monitored metric, and always the last.

    It runs at an epoch's end after all other callbacks, wherever it stands in their list, so that
    their states of this very epoch are in the file. Lightning renews ``last`` only where the epoch
    was among the best; a training that was killed later would go back further than it has to.

    Args:
        folder: where the files are; ``last.safetensors`` and one a kept epoch, named by the epoch
            counted from 1 and the metric.
        settings: what is monitored, and how many are kept.
        prefix: what names of files begin with.

    Example:
        >>> keeper = ModelCheckpoint(Path("checkpoints"), TrainingSettings())
        >>> keeper.save_top_k, keeper.monitor, keeper.mode, keeper.last.name
        (3, 'val_auroc', 'max', 'last.safetensors')
    """

    FILE_EXTENSION = EXTENSION

    def __init__(
        self, folder: Path, settings: TrainingSettings, prefix: str = "pneumonia_model"
    ) -> None:
        super().__init__(
            dirpath=folder,
            filename=f"{prefix}_{{{EPOCH_NUMBER}:02.0f}}_{{{settings.monitor}:.3f}}",
            monitor=settings.monitor,
            mode=settings.mode,
            save_top_k=settings.keep,
            save_last=False,
            auto_insert_metric_name=False,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    @property
    def last(self) -> Path:
        """From where a training that was cut off goes on."""
        return Path(self.dirpath) / f"{self.CHECKPOINT_NAME_LAST}{EXTENSION}"

    @property
    def best(self) -> Path | None:
        """The best by the monitored metric; none before the first epoch's end."""
        return Path(self.best_model_path) if self.best_model_path else None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint; files are known by their names, so that a folder may be moved."""
        found = dict(state_dict)
        scores = {self._here(path): one for path, one in found["best_k_models"].items()}
        for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
            found[name] = self._here(found[name])
        super().load_state_dict({**found, "dirpath": self.dirpath, "best_k_models": scores})

    def _here(self, path: str) -> str:
        return str(Path(self.dirpath) / Path(path).name) if path else path

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Keep this epoch if it is among the best, and keep it as the last."""
        super().on_train_epoch_end(trainer, pl_module)
        if self._last_global_step_saved == trainer.global_step:
            _same_file(Path(self._last_checkpoint_saved), self.last, trainer)
        else:
            trainer.save_checkpoint(self.last)


def epoch_of(path: Path) -> int | None:
    """Of a checkpoint the epoch, counted from 1; none where there is no file."""
    return int(read_checkpoint(path)["epoch"]) + 1 if path.is_file() else None


def _same_file(written: Path, name: Path, trainer: Any) -> None:
    """One more name for a file instead of a second one; on file systems without, write it."""
    linked = True
    if trainer.is_global_zero:
        beside = name.with_name(f".{name.name}.{new_uid()}")
        try:
            os.link(written, beside)
            beside.replace(name)
        except OSError:
            linked = False
    if not trainer.strategy.broadcast(linked):
        trainer.save_checkpoint(name)
