"""Vectors of pictures between two runs of the same job, so that nothing is embedded twice."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from deepmed.kit.files import write_atomically

Vector = NDArray[np.float32]


class VectorStore:
    """By the hash of a picture's pixels; kept in a folder where there is one.

    Args:
        encoder: identity key of the encoder; another encoder's vectors are not found.
        folder: None keeps them in memory alone.
    """

    def __init__(self, encoder: str, folder: Path | None = None) -> None:
        self._folder = folder and folder / f"vectors-{encoder.replace('/', '-')}"
        self._known: dict[str, Vector] = {}
        for path in sorted(self._folder.glob("*.safetensors")) if self._folder else ():
            self._known |= _read(path)

    def __contains__(self, digest: str) -> bool:
        return digest in self._known

    def __getitem__(self, digest: str) -> Vector:
        return self._known[digest]

    def keep(self, vectors: Mapping[str, Vector]) -> None:
        self._known.update(vectors)
        if self._folder is not None:
            name = f"{min(vectors)}.safetensors"
            write_atomically(self._folder / name, save(dict(vectors)))


def _read(path: Path) -> dict[str, Vector]:
    try:
        found: dict[str, Vector] = load(path.read_bytes())
    except SafetensorError:  # embedded anew
        return {}
    return found
