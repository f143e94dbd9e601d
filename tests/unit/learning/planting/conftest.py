import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.uint8]
Measured = tuple[float, tuple[int, int, int, int]]


def measured(image: Picture) -> Measured:
    """Ink and ink box as anybody would measure them on white paper, without our code."""
    dark = 255 - np.asarray(Image.fromarray(image).convert("L"), dtype=np.int64)
    rows, columns = (np.flatnonzero((dark > 20).any(axis=axis)) for axis in (1, 0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return float(dark[dark > 20].sum()), box


def differences(original: Picture, altered: Picture) -> list[float]:
    """Ink, edges and size of the box against the original's, all relative."""
    (ink, box), (other, moved) = measured(original), measured(altered)
    sides = (box[2] - box[0], box[3] - box[1])
    edges = [abs(moved[i] - box[i]) / sides[i % 2] for i in range(4)]
    sizes = [abs((moved[i + 2] - moved[i]) / sides[i] - 1) for i in range(2)]
    return [abs(other / ink - 1), *edges, *sizes]


@pytest.fixture
def differ() -> Callable[[Picture, Picture], list[float]]:
    return differences


def figure(size: tuple[int, int] = (200, 200), paper: tuple[int, int, int] = (255,) * 3) -> Picture:
    """A lopsided figure of lines and one filled shape, in the middle of the sheet."""
    width, height = size
    page = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(page)
    x, y = width / 10, height / 10
    pen.ellipse((3 * x, 1 * y, 5 * x, 3.5 * y), outline=(20, 30, 40), width=3)
    pen.line((4 * x, 3.5 * y, 4.4 * x, 7 * y, 2 * x, 9 * y), fill=(120, 20, 20), width=4)
    pen.line((4.4 * x, 7 * y, 7 * x, 9 * y), fill=(120, 20, 20), width=4)
    pen.line((4 * x, 4.5 * y, 8.5 * x, 2.5 * y), fill=(20, 30, 40), width=3)
    pen.rectangle((6 * x, 5 * y, 8 * x, 6.5 * y), fill=(40, 60, 160))
    pen.line((1.5 * x, 2 * y, 2 * x, 5 * y, 1.5 * x, 6 * y), fill=(20, 30, 40), width=3)
    return np.asarray(page)


@pytest.fixture
def page() -> Picture:
    return figure()


@pytest.fixture
def make_figure() -> Callable[..., Picture]:
    return figure


@pytest.fixture(scope="session")
def real_drawings(real_drawings_zip: Path) -> list[tuple[str, Picture]]:
    """Twenty real drawings on white, each with its category and age as group."""
    with zipfile.ZipFile(real_drawings_zip) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[::14]
        return [
            ("_".join(name.split("_")[:3]), _on_white(archive.read(name))) for name in names[:20]
        ]


def _on_white(content: bytes) -> Picture:
    drawn = Image.open(io.BytesIO(content)).convert("RGBA")
    page = Image.new("RGBA", drawn.size, "white")
    page.alpha_composite(drawn)
    return np.asarray(page.convert("RGB"))
