"""How long stored pictures take beside the encoder alone, and what memory they take."""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil

from deepmed.app.bench.platform.figures import Figure
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.pictures import Pixels
from deepmed.learning.encoders import Encoder

RATIO = 1.5
"""What batch embedding may take, in times of the encoder's own work (D-25)."""
MEBIBYTE = 1 << 20
MOST_GROWTH = 64.0
"""MiB that the process may grow by after the first tenth of many images."""
POINTS = 40


@dataclass(frozen=True)
class Pace:
    """Milliseconds an image, each run of both by turns."""

    images: int
    bare: list[float]
    stored: list[float]

    def figures(self, name: str) -> Iterator[tuple[str, Figure]]:
        yield f"{name}: encoder alone", Figure(self.bare, "ms an image")
        yield f"{name}: stored pictures to stored vectors", Figure(self.stored, "ms an image")
        ratios = [took / alone for took, alone in zip(self.stored, self.bare, strict=True)]
        yield f"{name}: ratio of the two", Figure(ratios, "times", RATIO)


def pace(bench: Workbench, images: Sequence[Pixels], count: int, repeats: int) -> Pace:
    """Time both on as many images: from memory, and through files, database and commits.

    The encoder alone is `Encoder.embed`: preparing and encoding pictures that are in memory.
    """
    encoder = bench.encoding.encoder
    batch = [images[place % len(images)] for place in range(count)]
    encoder.embed(batch[:8])
    bare, stored = [], []
    for _ in range(repeats):
        bare.append(_bare(encoder, batch))
        stored.append(_stored(bench, count))
    return Pace(count, bare, stored)


def _bare(encoder: Encoder, batch: list[Pixels]) -> float:
    start = time.perf_counter()
    encoder.embed(batch)
    return 1000 * (time.perf_counter() - start) / len(batch)


def _stored(bench: Workbench, count: int) -> float:
    start = time.perf_counter()
    report = bench.pipeline.re_embed()
    took = 1000 * (time.perf_counter() - start) / count
    if report.embedded != count:
        raise RuntimeError(f"{report.embedded} of {count} drawings were embedded.")
    return took


@dataclass
class MemoryCurve:
    """Memory of this process while images are embedded.

    Attributes:
        points: (images done, MiB of resident memory), about 40 of them.
    """

    total: int
    points: list[tuple[int, float]] = field(default_factory=list)
    _process: psutil.Process = field(default_factory=psutil.Process)
    _next: int = 0

    def __call__(self, done: int, _total: int) -> None:
        if done >= self._next:
            self.points.append((done, round(self._process.memory_info().rss / MEBIBYTE, 1)))
            self._next += max(1, self.total // POINTS)

    def growth(self) -> Figure:
        """The largest memory after the first tenth, less that at its end."""
        warm = [(done, size) for done, size in self.points if done >= self.total / 10]
        grown = max(size for _, size in warm) - warm[0][1]
        return Figure([grown], "MiB", MOST_GROWTH)


def memory(bench: Workbench, count: int) -> MemoryCurve:
    """Embed all drawings of the folder and look at the memory now and then."""
    curve = MemoryCurve(count)
    gc.collect()
    bench.pipeline.process_batch(curve)
    return curve
