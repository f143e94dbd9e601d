"""A plug-in that lets a test catch a real training in the middle: its epochs wait for a file.

It brings the small encoder to every process of a test, as an installed package would, and the
encoder brings the pause. What is computed stays the same, but for how many drawings are planted.
"""

import os
import time
from pathlib import Path

import pytest

from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.watching import GroupWatch
from deepmed.kit import settings
from deepmed.learning.autoencoder import EpochReport
from deepmed.learning.encoders.registry import EncoderOptions
from factories import encoder

PAUSE_SECONDS = 0.15
FEW = {"planted_sources": 6, "comparison_drawings": 40}
"""Of a training that was asked for without any number."""
_epoch = GroupWatch.epoch


def make(_options: EncoderOptions) -> encoder.InkGridEncoder:
    """The entry point: asked for an encoder in the processes that train."""
    pytest.MonkeyPatch().setattr(GroupWatch, "epoch", _unhurried)
    for name, number in FEW.items():
        GroupTrainingConfig.model_fields[name].default = number
    GroupTrainingConfig.model_rebuild(force=True)
    return encoder.InkGridEncoder()


def let_go(home: Path) -> None:
    """No epoch waits any longer."""
    (home / "go").touch()


def who_trains(home: Path) -> int:
    """The process whose epoch was the last."""
    return int((home / "trains").read_text(encoding="ascii"))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this module a plug-in of the processes that a test starts, not of the test itself."""
    described = folder / "deepmed_slow_training-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: deepmed-slow-training\nVersion: 1\n"
    )
    (described / "entry_points.txt").write_text(
        f"[deepmed.encoders]\n{encoder.NAME} = factories.slow_training:make\n"
    )
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *known]))
    monkeypatch.setenv("DEEPMED_ENCODER", encoder.NAME)


def _unhurried(watch: GroupWatch, part: str, report: EpochReport) -> None:
    _epoch(watch, part, report)
    home = settings.current().home
    if not (home / "go").exists():
        (home / "trains").write_text(str(os.getpid()), encoding="ascii")
        time.sleep(PAUSE_SECONDS)
