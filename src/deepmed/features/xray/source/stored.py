"""Images as a run keeps them: PNG of the pixels alone, named by what they are.

Whatever a file brought along (DICOM's header, a camera's data, a comment) is gone, and what is read
later was written here, so that no reader of a run meets a file of unknown origin.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from deepmed.kit.errors import IntegrityError, StorageError
from deepmed.kit.ids import new_uid
from deepmed.kit.pictures import Pixels

_QUICK = 1
"""Level of compression: written in a tenth of the time, and a quarter larger."""


def write_image(folder: Path, pixels: Pixels) -> tuple[str, Path]:
    """Keep an image; returns the SHA-256 of its file, which is its name, and where it lies.

    The same pixels give the same file, so that the digest tells exact duplicates.
    """
    content = _encoded(pixels)
    digest = hashlib.sha256(content).hexdigest()
    path = folder / digest[:2] / f"{digest}.png"
    if not path.exists() or path.stat().st_size != len(content):
        _write(path, content)
    return digest, path


def read_image(path: Path) -> Pixels:
    """(height, width, 3) of eight bits: the pixels that `write_image` was given.

    Raises:
        IntegrityError: it is gone, or is not what was written.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise IntegrityError(
            f"The stored image {path.name} is damaged or gone; take the data in again."
        ) from error


def thumbnail(path: Path, side: int = 160) -> bytes:
    """A small PNG of a stored image, for lists that people look through."""
    image = Image.fromarray(read_image(path))
    image.thumbnail((side, side))
    small = io.BytesIO()
    image.save(small, "PNG")
    return small.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, without waiting for the disk: thousands follow, and a digest tells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{new_uid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(
            f"An image could not be kept: {error.strerror}. Make room and start the run again; "
            "what was kept so far stays."
        ) from error


def _encoded(pixels: Pixels) -> bytes:
    """Grey where all three colours are equal, which is a third of the bytes."""
    grey = pixels[..., 0]
    equal = all(np.array_equal(grey, pixels[..., channel]) for channel in (1, 2))
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(grey if equal else pixels))
    image.save(buffer, "PNG", compress_level=_QUICK)
    return buffer.getvalue()
