"""How fast images are loaded here, and how much longer an epoch takes because of it."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from deepmed.kit.seeds import generator
from deepmed.learning.imaging.module import XRayDataModule
from deepmed.learning.imaging.pixel_store import Read
from deepmed.learning.imaging.preprocessing import Preprocessing
from deepmed.learning.imaging.rows import ImageRow, file_digest
from deepmed.learning.imaging.settings import DataSettings

LOADER_SIZE = (256, 256)
EPOCH_SIZE = (64, 64)
_SOURCE_SIDE = 512
_Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class LoadingFigures:
    """What was measured; seconds are of the clock on the wall, medians over the repeats.

    Where other programs share the cores, the clock measures them too. Processor time does not; with
    one thread both agree on an idle machine. It is null with several processes, for theirs is not
    counted.

    Attributes:
        images: In the training part of each measurement.
        batch_size: Images a step.
        workers: Processes that loaded.
        threads: Of the process that computed.
        repeats: Of each timing; those of loading and computing alternate.
        cold_images_per_second: Decoded, scaled and kept, by the first look at 256 x 256.
        loader_images_per_second: From the warm cache to batches, with augmentation, at 256 x 256.
        processor_ms_per_image: Processor time for the same.
        epoch_seconds: Loading, forward and backward, at 64 x 64.
        compute_seconds: Forward and backward on the same batches, held in memory.
        epoch_ratio: Median of the first over the second, taken pair by pair.
        processor_ratio: The same of processor time.

    Example:
        >>> figures = LoadingFigures(8, 4, 0, 1, 1, 50.0, 900.0, 1.1, 1.1, 1.0, 1.1, 1.1)
        >>> figures.to_json()["epoch_ratio"]
        1.1
    """

    images: int
    batch_size: int
    workers: int
    threads: int
    repeats: int
    cold_images_per_second: float
    loader_images_per_second: float
    processor_ms_per_image: float | None
    epoch_seconds: float
    compute_seconds: float
    epoch_ratio: float
    processor_ratio: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures as a benchmark's file takes them."""
        return asdict(self)


def measure_loading(
    folder: Path,
    network: Callable[[], torch.nn.Module],
    *,
    images: int = 256,
    settings: DataSettings | None = None,
    repeats: int = 3,
    warm_memory: bool = False,
) -> LoadingFigures:
    """Measure loading on grey PNG files of 512 x 512 that are made up on the spot.

    Args:
        folder: Empty; images and cache are written below it.
        network: Gives a network from float32 (B, 3, 64, 64) to (B, 1), a ResNet-18 for the
            figures that are published.
        images: How many.
        settings: How to load; the cache's folder is replaced by one below `folder`.
        repeats: Of each timing.
        warm_memory: False loads from the cache's folder, as the first epoch of a later run does;
            True from memory, as the later epochs do where there is enough.

    Returns:
        The figures.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from torch import nn
        >>> with TemporaryDirectory() as folder:
        ...     figures = measure_loading(
        ...         Path(folder),
        ...         lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 1)),
        ...         images=8,
        ...         settings=DataSettings(batch_size=4),
        ...         repeats=1,
        ...     )
        >>> figures.images, figures.loader_images_per_second > 0
        (8, True)
    """
    settings = replace(settings or DataSettings(), cache_folder=folder / "cache")
    if not warm_memory:
        settings = replace(settings, memory_limit_bytes=0)
    rows = _made_up(folder / "images", images)
    begun = time.perf_counter()
    _module(rows, LOADER_SIZE, settings).prepare_data()
    cold = time.perf_counter() - begun
    loaded = _loading(_module(rows, LOADER_SIZE, settings), repeats)
    epochs, computes = _epochs(_module(rows, EPOCH_SIZE, settings), network(), repeats)
    alone = settings.workers == 0
    return LoadingFigures(
        images=images,
        batch_size=settings.batch_size,
        workers=settings.workers,
        threads=torch.get_num_threads(),
        repeats=repeats,
        cold_images_per_second=images / cold,
        loader_images_per_second=images / median(each.wall for each in loaded),
        processor_ms_per_image=(
            1000 * median(each.processor for each in loaded) / images if alone else None
        ),
        epoch_seconds=median(each.wall for each in epochs),
        compute_seconds=median(each.wall for each in computes),
        epoch_ratio=_ratio([each.wall for each in epochs], [each.wall for each in computes]),
        processor_ratio=(
            _ratio([each.processor for each in epochs], [each.processor for each in computes])
            if alone
            else None
        ),
    )


class _Time(NamedTuple):
    wall: float
    processor: float


def _timed(work: Callable[[], object]) -> _Time:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return _Time(time.perf_counter() - wall, time.process_time() - processor)


def _ratio(longer: Sequence[float], shorter: Sequence[float]) -> float:
    return median(one / other for one, other in zip(longer, shorter, strict=True))


def _loading(module: XRayDataModule, repeats: int) -> list[_Time]:
    loader = module.train_dataloader()
    return [_timed(lambda: deque(loader, maxlen=0)) for _ in range(repeats)]


def _epochs(
    module: XRayDataModule, network: torch.nn.Module, repeats: int
) -> tuple[list[_Time], list[_Time]]:
    loader = module.train_dataloader()
    held = list(loader)
    network.train()
    _train(network, held[:1])  # the first step also sets memory up
    epochs, computes = [], []
    for _ in range(repeats):  # in turns: what else the machine does then meets both
        epochs.append(_timed(lambda: _train(network, loader)))
        computes.append(_timed(lambda: _train(network, held)))
    return epochs, computes


def _train(network: torch.nn.Module, batches: Iterable[_Batch]) -> None:
    for images, labels, _ in batches:
        network.zero_grad()
        logits = network(images).squeeze(-1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.float())
        torch.autograd.backward(loss)


def _module(
    rows: Sequence[ImageRow], size: tuple[int, int], settings: DataSettings
) -> XRayDataModule:
    module = XRayDataModule(rows, rows[:1], None, Preprocessing(size), settings, _reader())
    module.prepare_data()
    return module


def _reader() -> Read:
    def read(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))

    return read


def _made_up(folder: Path, count: int) -> list[ImageRow]:
    """Grey images that compress as X-rays do: smooth, with a little noise."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(_rows(folder, count))


def _rows(folder: Path, count: int) -> Iterator[ImageRow]:
    random = generator(0, "images for measuring")
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8), np.uint8))
        smooth = np.asarray(coarse.resize((_SOURCE_SIDE, _SOURCE_SIDE), Image.Resampling.BICUBIC))
        noise = random.integers(-4, 5, smooth.shape, np.int16)
        image = np.clip(smooth + noise, 0, 255).astype(np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(image).save(path, compress_level=1)
        yield ImageRow(str(number), path, str(number), number % 2, file_digest(path))
