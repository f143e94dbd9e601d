"""Small images in files, and rows that name them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepmed.learning.imaging import ImageRow, file_digest

MakeRows = Callable[..., list[ImageRow]]
SIDE = 20


def read_file(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


class CountingReader:
    """Reads a file, and knows how often it did."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def __call__(self, path: Path) -> np.ndarray:
        self.paths.append(path)
        return read_file(path)


@pytest.fixture
def reader() -> CountingReader:
    return CountingReader()


@pytest.fixture
def make_rows(tmp_path: Path) -> MakeRows:
    """Rows of new files; grey noise, every fourth in colour."""

    def make(labels: Sequence[int], folder: str = "images", seed: int = 0) -> list[ImageRow]:
        random = np.random.default_rng([seed, *folder.encode()])
        (tmp_path / folder).mkdir(exist_ok=True)
        rows = []
        for number, label in enumerate(labels):
            path = tmp_path / folder / f"{number}.png"
            planes = 3 if number % 4 == 3 else 1
            pixels = random.integers(0, 256, (SIDE, SIDE + 4, planes), np.uint8)
            Image.fromarray(np.repeat(pixels, 3 // planes, axis=2)).save(path)
            name = f"{folder}-{number}"
            rows.append(ImageRow(name, path, f"patient-{number}", label, file_digest(path)))
        return rows

    return make
