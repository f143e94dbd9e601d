import os
import re
import time
from contextlib import suppress
from pathlib import Path

from deepmed.kit.errors import StorageError
from deepmed.kit.ids import new_uid

YOUNG_SECONDS = 60 * 60


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file of the caller's choice whole or not at all: a reader never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_overs(path)
    unfinished = path.with_name(f".{path.name}.{new_uid()}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _remove_left_overs(path: Path) -> None:
    """What killed writers of this file left beside it; a young one may still be at work."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{32}}")
    with suppress(OSError):  # tidying must not keep anybody from writing
        for beside in path.parent.iterdir():
            if name.fullmatch(beside.name) and _age(beside) > YOUNG_SECONDS:
                beside.unlink(missing_ok=True)


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


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
