"""Images that look alike without being equal: one film, exported or scaled twice (X-2).

Films of different people are alike too, so most matches are for a person to look at. A pair binds
its patients together where somebody confirmed it, and always where the pixels correlate so highly
that nothing else is left.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepmed.features.xray.source.stored import read_image
from deepmed.features.xray.source.taking import Progress
from deepmed.kit.pictures import Pixels
from deepmed.learning.imaging.rows import ImageRow

BINDING = 0.995
"""Correlation above which a pair binds by itself."""
WORTH_A_LOOK = 0.97
MOST_LISTED = 500
"""Pairs in the review list, the most alike first; those that bind are all there."""
_SMALL, _LARGE = 32, 128
_BLOCK = 1024
_THREADS = 2

Levels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lookalike:
    """Two images of different patients; `confirmed` is what a person said of them, if anything."""

    first: str
    second: str
    correlation: float
    confirmed: bool | None = None

    @property
    def binds(self) -> bool:
        """Whether their patients must stay in one part: no word parts what is nearly equal."""
        return self.correlation > BINDING or self.confirmed is True


def find_lookalikes(
    rows: Sequence[ImageRow],
    read: Callable[[Path], Pixels] = read_image,
    verdicts: Mapping[tuple[str, str], bool] | None = None,
    progress: Progress | None = None,
) -> tuple[Lookalike, ...]:
    """Pairs of different patients whose images look alike, the most alike first.

    Small copies of all images are compared with each other, and those pairs that are alike there
    once more in larger copies; equal files are left out, as their digests tell more.

    Args:
        rows: the images.
        read: gives the pixels of a row's file.
        verdicts: what a person said of pairs, by the two names.
        progress: told after each image; what it raises ends the search.
    """
    distinct = list({row.digest: row for row in rows}.values())
    small = _small_copies(distinct, read, progress)
    large = lru_cache(maxsize=64)(lambda path: _normalised(read(path), _LARGE))
    told = {_in_order(*names): verdict for names, verdict in (verdicts or {}).items()}
    pairs = {
        _in_order(distinct[one].image_id, distinct[other].image_id) for one, other in _alike(small)
    }
    by_name = {row.image_id: row for row in rows}
    found = []
    for first, second in pairs | {names for names in told if set(names) <= set(by_name)}:
        one, other = by_name[first], by_name[second]
        if one.patient != other.patient:
            correlation = round(float(large(one.path) @ large(other.path)), 6)
            found.append(Lookalike(first, second, correlation, told.get((first, second))))
    return _listed(found)


def _small_copies(
    rows: Sequence[ImageRow], read: Callable[[Path], Pixels], progress: Progress | None
) -> list[Levels]:
    copies = []
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for copy in pool.map(lambda row: _normalised(read(row.path), _SMALL), rows):
                copies.append(copy)
                if progress:
                    progress(len(copies), len(rows))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return copies


def pixel_correlation(first: Pixels, second: Pixels) -> float:
    """Pearson's, of grey levels at 128 x 128; 0 where one image is of one level alone."""
    return float(_normalised(first, _LARGE) @ _normalised(second, _LARGE))


def _in_order(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first <= second else (second, first)


def _listed(pairs: Iterable[Lookalike]) -> tuple[Lookalike, ...]:
    ordered = sorted(pairs, key=lambda pair: (-pair.correlation, pair.first, pair.second))
    binding = [pair for pair in ordered if pair.binds]
    others = [pair for pair in ordered if not pair.binds and pair.correlation > WORTH_A_LOOK]
    room = max(0, MOST_LISTED - len(binding))
    return (*binding, *others[:room])


def _alike(images: Sequence[Levels]) -> Iterator[tuple[int, int]]:
    """Pairs of images above the threshold; block by block, so that the memory holds them."""
    small = np.array(images, np.float32)
    for start in range(0, len(small), _BLOCK):
        block = small[start : start + _BLOCK] @ small[start:].T
        for one, other in np.argwhere(block > WORTH_A_LOOK):
            if one < other:
                yield start + int(one), start + int(other)


def _normalised(pixels: Pixels, side: int) -> Levels:
    """Grey levels of a small square copy, of mean 0 and length 1; nothing of a level image."""
    grey = Image.fromarray(pixels).convert("L").resize((side, side), Image.Resampling.BOX)
    levels = np.array(grey, np.float32).ravel()
    levels -= levels.mean()
    length = float(np.linalg.norm(levels))
    levels *= 1 / length if length > 1e-3 else 0
    return levels
