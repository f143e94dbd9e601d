"""Looking on while groups are trained: losses as they fall, detectors as they compare, checkpoints.

A checkpoint lies in a folder of the job's own under the model's recipe, so that only the very same
training goes on from it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from deepmed.kit.files import write_atomically
from deepmed.learning.autoencoder import EpochReport
from deepmed.learning.reference import FitWatch

TELL_SECONDS = 0.25
Tell = Callable[[str, Mapping[str, Any]], None]
Point = tuple[int, float, float | None]
"""Epoch, training loss, loss of the rows that watch."""


@dataclass(frozen=True)
class TrainingWatch:
    """Told what happens (`epochs`, `resumed`, `compared`); keeps checkpoints where it has a folder.

    Whatever `tell` raises ends the training.
    """

    tell: Tell
    folder: Path | None = None

    def of_group(self, group: str, recipe_hash: str) -> "GroupWatch":
        return GroupWatch(self, group, recipe_hash)

    def compared(self, group: str, selection: Mapping[str, Any]) -> None:
        """Which detector was chosen, and how each did on planted anomalies."""
        self.tell(
            "compared",
            {
                "group": group,
                "chosen": selection["chosen"],
                "reason": selection["reason"],
                "rows": selection["rows"],
            },
        )


@dataclass
class GroupWatch(FitWatch):
    """One group's fits."""

    watch: TrainingWatch
    group: str
    recipe_hash: str
    _points: list[Point] = field(default_factory=list)
    _part: str = ""
    _epochs: int = 0
    _told: float = 0.0

    def epoch(self, part: str, report: EpochReport) -> None:
        if part != self._part:
            self.flush()
        self._part, self._epochs = part, report.epochs
        self._points.append((report.epoch, report.train_loss, report.validation_loss))
        if time.monotonic() - self._told >= TELL_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Tell the points that were held back: at most four times a second they are told."""
        self._told = time.monotonic()
        points, self._points = self._points, []
        if points:
            self._tell("epochs", self._part, {"points": points, "epochs": self._epochs})

    def load(self, part: str) -> dict[str, Tensor] | None:
        path = self._path(part)
        if path is None or not path.exists():
            return None
        checkpoint = load(path.read_bytes())
        self._tell("resumed", part, {"epoch": len(checkpoint["losses.train"])})
        return checkpoint

    def save(self, part: str, checkpoint: dict[str, Tensor]) -> None:
        path = self._path(part)
        if path is not None:
            write_atomically(path, save(checkpoint))

    def _path(self, part: str) -> Path | None:
        folder = self.watch.folder
        return folder / f"{self.recipe_hash}-{part}.safetensors" if folder else None

    def _tell(self, kind: str, part: str, data: Mapping[str, Any]) -> None:
        self.watch.tell(kind, {"group": self.group, "part": part, **data})


def silent(_kind: str, _data: Mapping[str, Any]) -> None:
    """Nobody is told."""


UNWATCHED = TrainingWatch(silent)
