"""Files as a browser or a script sends them: their names are labels, never paths."""

import shutil
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from deepmed.features.drawings.importing.plan import BatchRefusedError
from deepmed.kit.errors import TooLargeError
from deepmed.kit.settings import MIB

MOST_CHARACTERS = 120


def label_of(name: str | None) -> str:
    """A file name that is safe as a label and in a folder of our own: `../a/b.png` is `b.png`."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    shown = "".join(each for each in last if unicodedata.category(each)[0] != "C").strip(". ")
    stem, dot, ending = shown.rpartition(".")
    if not dot:
        return shown[:MOST_CHARACTERS] or "drawing"
    return f"{stem[: MOST_CHARACTERS - 10]}.{ending[:9]}"


def receive(folder: Path, name: str | None, content: BinaryIO, limit: int) -> Path:
    """Write what was sent into a folder of ours, chunk by chunk.

    Raises:
        TooLargeError: it has more than `limit` bytes; nothing is left of it.
    """
    path = folder / label_of(name)
    content.seek(0, 2)
    if content.tell() > limit:
        raise TooLargeError(
            f"{path.name} has more than the {limit / MIB:.1f} MiB that are allowed; nothing was "
            "stored. Scale the picture down, or raise DEEPMED_MAX_FILE_BYTES."
        )
    content.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)
    return path


def refuse_doubled(names: Sequence[str | None]) -> None:
    """Metadata names its file, so two files of one name could be mixed up."""
    doubled = sorted(name for name, count in Counter(map(label_of, names)).items() if count > 1)
    if doubled:
        raise BatchRefusedError(
            f"Several files are called {', '.join(doubled)}; nothing was stored. Rename them, so "
            "that each name stands for one file.",
            problems=[],
        )
