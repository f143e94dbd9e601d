import random
from typing import Any

import numpy as np
import torch

from deepmed.kit import seeds
from deepmed.learning.classification.bases import Watcher


class EpochSeedsCallback(Watcher):
    """Seeds everything random anew at the start of each epoch, from the run's seed and the epoch.

    So an epoch is the same in a training that was cut off before it and resumed: its order, its
    changes to images and its dropout depend on no epoch before. On many devices, each has its own.

    Args:
        seed: the run's.

    Example:
        >>> EpochSeedsCallback(7).seed
        7
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._first = True

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Before the first loader is asked."""
        del pl_module, stage
        self._first = True
        self._seed(trainer, "start")

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Before the epoch's loader is asked.

        The loader of a training's first epoch, also where it was resumed, was asked by Lightning
        long before, when it knew neither seed nor epoch; its workers may have begun. It is asked
        again.
        """
        del pl_module
        self._seed(trainer, trainer.current_epoch)
        if self._first:
            iter(trainer.fit_loop._data_fetcher)  # noqa: SLF001 - there is no public way to ask
            self._first = False

    def _seed(self, trainer: Any, part: str | int) -> None:
        seed = seeds.derive(self.seed, "training", part, trainer.global_rank)
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries draw from it
