"""Small drawings in folders, as a person would hand them over."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from factories.drawings import line_drawing

TABLE = "metadata.csv"


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(number: int, age: float = 7.0) -> bytes:
    return saved(Image.fromarray(line_drawing(number, age)))


def page(seed: int, side: int = 48) -> np.ndarray:
    """A page with strokes in colours that no other seed makes."""
    generator = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 255, np.uint8)
    for top, left in generator.integers(0, side - 12, (5, 2)):
        pixels[top : top + 3, left : left + 12] = generator.integers(0, 180, 3)
    return pixels


def fill(folder: Path, numbers: Iterable[int]) -> Path:
    """Drawings of children of six to eight, each by its own child, with their table."""
    ages = {number: 6.1 + 2.8 * (number % 10) / 10 for number in numbers}
    folder.mkdir(exist_ok=True)
    for number, age in ages.items():
        (folder / f"d{number}.png").write_bytes(picture(number, age))
    rows = {f"d{number}.png": f"{age:.2f},person,k{number}" for number, age in ages.items()}
    write_table(folder, "age_years,subject,child_id", rows)
    return folder


def write_table(folder: Path, columns: str, rows: Mapping[str, str]) -> None:
    lines = [f"filename,{columns}", *(f"{name},{values}" for name, values in rows.items())]
    (folder / TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
