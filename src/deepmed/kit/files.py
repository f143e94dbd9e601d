import os
from pathlib import Path

from deepmed.kit.ids import new_uid


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file of the caller's choice whole or not at all: a reader never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{new_uid()}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
