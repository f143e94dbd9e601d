"""Milliseconds an image, batched and one at a time, as the best of several repetitions.

The best is the figure: whatever else a machine does can only add to it. The median and the worst
stand beside it and tell how quiet the machine was.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow

from deepmed.features.drawings.bench.collection import Image
from deepmed.learning.encoders import Encoder

BATCH = 32
SINGLES = 16
SLOW = 20.0
"""Milliseconds an image from which an encoder counts as slow."""
LIMIT = 5.0
"""Milliseconds an image that the default encoder may take, batched, on one thread."""
SCAN_SIDE = 1500
"""Pixels a side of an ordinary scan: cutting out its drawing takes longer than encoding it."""
_SCANS = 8
Clock = Callable[[], float]


def scans(images: Sequence[Image]) -> list[Image]:
    """A batch of pictures of 1,500 pixels a side, some of these enlarged, in turn."""
    large = [
        np.array(Pillow.fromarray(image).resize((SCAN_SIDE, SCAN_SIDE)))
        for image in images[:_SCANS]
    ]
    return [large[number % len(large)] for number in range(BATCH)]


def speed(
    encoder: Encoder, images: Sequence[Image], repeats: int, clock: Clock = time.perf_counter
) -> list[dict[str, Any]]:
    """Time an encoder on pictures in memory, with one thread and with as many as are set.

    The first batch of each is not counted.

    Args:
        encoder: what to time.
        images: at least `BATCH` pictures.
        repeats: how often each is timed.
        clock: seconds that pass.
    """
    before = torch.get_num_threads()
    try:
        return [_row(encoder, images, repeats, clock, threads) for threads in sorted({1, before})]
    finally:
        torch.set_num_threads(before)


def _row(
    encoder: Encoder, images: Sequence[Image], repeats: int, clock: Clock, threads: int
) -> dict[str, Any]:
    torch.set_num_threads(threads)
    batch, singles = list(images[:BATCH]), list(images[:SINGLES])
    encoder.embed(batch)
    return {
        "encoder": encoder.identity.key,
        "longest_side": max(batch[0].shape[:2]),
        "threads": threads,
        "batch_size": len(batch),
        "batched_ms": _timed(lambda: encoder.embed(batch), len(batch), repeats, clock),
        "single_ms": _timed(
            lambda: [encoder.embed([image]) for image in singles], len(singles), repeats, clock
        ),
    }


def _timed(work: Callable[[], object], images: int, repeats: int, clock: Clock) -> dict[str, Any]:
    took = []
    for _ in range(repeats):
        start = clock()
        work()
        took.append(1000 * (clock() - start) / images)
    return {
        "best": min(took),
        "median": statistics.median(took),
        "worst": max(took),
        "repeats": repeats,
    }
