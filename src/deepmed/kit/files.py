import os
from pathlib import Path

from deepmed.kit.errors import StorageError
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


def export(path: Path, content: bytes) -> Path:
    """Write a result where somebody asked for it, whole or not at all.

    Raises:
        StorageError: it cannot be written there; what was there before still is.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(
            f"{path} cannot be written: {reason}. What was there before is unchanged. Choose "
            "another place, or make room there, and run the command again."
        ) from error
    return path
