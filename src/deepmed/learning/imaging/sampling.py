"""In what order an epoch sees its images."""

from collections.abc import Iterator, Sized
from typing import NamedTuple, cast

import numpy as np
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler

from deepmed.kit.seeds import generator


class Draw(NamedTuple):
    """One image of one epoch; what is random about it follows from the two.

    Attributes:
        epoch: From 0.
        position: In the data set.
    """

    epoch: int
    position: int


class EpochSampler(DistributedSampler[Draw]):
    """An order that follows from seed and epoch alone.

    A run that is resumed at an epoch sees that epoch's batches as it would have seen them,
    whatever was drawn before and however many workers load. Lightning calls `set_epoch` before
    each epoch, and leaves alone what already is such a sampler: with several processes each
    takes its own share of one order.

    Args:
        data: The data set; only its length counts.
        seed: Of the run.
        shuffle: False keeps the data set's order.
        replicas: Processes that share an epoch.
        rank: Which of them this is, from 0.

    Example:
        >>> sampler = EpochSampler(range(4), seed=1)
        >>> sampler.set_epoch(7)
        >>> seventh = list(sampler)
        >>> sorted(draw.position for draw in seventh), {draw.epoch for draw in seventh}
        ([0, 1, 2, 3], {7})
        >>> again = EpochSampler(range(4), seed=1)
        >>> again.set_epoch(7)
        >>> list(again) == seventh
        True
    """

    def __init__(
        self,
        data: Sized,
        *,
        seed: int = 0,
        shuffle: bool = True,
        replicas: int = 1,
        rank: int = 0,
    ) -> None:
        super().__init__(
            cast("Dataset[Draw]", data),
            num_replicas=replicas,
            rank=rank,
            shuffle=shuffle,
            seed=seed,
        )
        self._count = len(data)

    def __iter__(self) -> Iterator[Draw]:
        order = np.arange(self._count)
        if self.shuffle:
            order = generator(self.seed, "order of images", self.epoch).permutation(order)
        # Every process must take the same number of steps: the first are seen twice to fill up.
        filled = np.resize(order, self.total_size)
        for position in filled[self.rank :: self.num_replicas]:
            yield Draw(self.epoch, int(position))
