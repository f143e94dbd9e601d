"""Lightning's classes that ours build on, in one place.

Its types are not read (see mypy's settings in `pyproject.toml`), so each of them is of any type.
"""

from lightning.pytorch import LightningModule
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.plugins.io import CheckpointIO


class Module(LightningModule):  # type: ignore[misc]  # untyped here
    """What Lightning trains."""


class Watcher(Callback):  # type: ignore[misc]  # untyped here
    """What Lightning tells of a training's course."""


class Stopper(EarlyStopping):  # type: ignore[misc]  # untyped here
    """Lightning's early stopping."""


class Keeper(ModelCheckpoint):  # type: ignore[misc]  # untyped here
    """Lightning's checkpoints."""


class Place(LightningEnvironment):  # type: ignore[misc]  # untyped here
    """Which of several processes this one is."""


class FileAccess(CheckpointIO):  # type: ignore[misc]  # untyped here
    """How Lightning reads and writes checkpoints."""
