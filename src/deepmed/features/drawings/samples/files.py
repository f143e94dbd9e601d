"""The sample drawings as a folder that the upload accepts: pictures and `metadata.csv`.

Each file appears whole or not at all, and a second run writes the same bytes over the first.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepmed.features.drawings.samples.maker import SampleDrawing, make_samples
from deepmed.kit.errors import ConflictError, StorageError
from deepmed.kit.exports import write_csv
from deepmed.kit.files import write_atomically

METADATA = "metadata.csv"
PLANTED_TABLE = "planted.csv"


def create_sample_drawings(folder: Path, seed: int = 0) -> list[Path]:
    """Write the 95 typical drawings and their metadata; returns the pictures' paths.

    Raises:
        ConflictError: the folder holds planted anomalies.
        StorageError: the folder cannot be written.
    """
    return write_samples(folder, make_samples(seed))


def write_samples(folder: Path, drawings: Sequence[SampleDrawing]) -> list[Path]:
    """Write any set of typical drawings with its metadata."""
    pictures = {drawing.filename: drawing.image for drawing in drawings}
    refuse_foreign(folder, PLANTED_TABLE)
    return write_folder(folder, pictures, METADATA, map(_row, drawings))


def refuse_foreign(folder: Path, table: str) -> None:
    """An upload takes a whole folder: typical drawings and planted ones must not share one."""
    if (folder / table).exists():
        raise ConflictError(
            f"The folder {folder} holds the other kind of made drawings ({table}); nothing was"
            " written. Choose another folder."
        )


def write_folder(
    folder: Path,
    pictures: Mapping[str, NDArray[np.uint8]],
    table: str,
    rows: Iterable[Mapping[str, object]],
) -> list[Path]:
    """Write pictures by name, and last the table about them: it names no file that is missing.

    Raises:
        StorageError: the folder cannot be written.
    """
    paths = [folder / name for name in pictures]
    try:
        for path, image in zip(paths, pictures.values(), strict=True):
            write_atomically(path, _png(image))
    except OSError as error:
        raise StorageError(
            f"The drawings could not be written to {folder} ({error.strerror}). Files that were"
            " finished are complete; make room or choose another folder and run this again."
        ) from error
    write_csv(rows, folder / table)
    return paths


def _row(drawing: SampleDrawing) -> dict[str, object]:
    return {
        "filename": drawing.filename,
        "age_years": drawing.age_years,
        "subject": drawing.subject,
        "expert_label": "normal",
        "drawing_tool": drawing.drawing_tool,
        "prompt": f"Draw a {drawing.subject}.",
        "child_id": drawing.child_id,
    }


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
