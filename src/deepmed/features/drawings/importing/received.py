"""Files as a browser or a script sends them: their names are labels, never paths."""

import shutil
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from deepmed.features.drawings.importing.plan import BatchRefusedError
from deepmed.kit.errors import TooLargeError, ValidationError
from deepmed.kit.sizes import MIB

METADATA = "metadata.json"
MOST_BYTES = 200
"""A folder takes names of 255 bytes, and what writes a file needs some of them."""
_LONGEST_ENDING = 8


def label_of(name: str | None) -> str:
    """A file name that is safe as a label and in a folder of our own: `../a/b.png` is `b.png`."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    shown = "".join(each for each in last if unicodedata.category(each)[0] != "C").strip(". ")
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return _cut(shown, MOST_BYTES) or "drawing"
    ending = dot + ending
    return _cut(stem, MOST_BYTES - len(ending.encode())) + ending


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")


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


def is_archive(names: Sequence[str]) -> bool:
    """Whether an upload is one ZIP, alone or with its metadata; beside pictures none is opened."""
    others = [name for name in names if name != METADATA]
    return len(others) == 1 and others[0].lower().endswith(".zip")


def source_of(folder: Path, names: Sequence[str]) -> tuple[Path, Path | None]:
    """What of the files in a folder is to be imported, and the table that lies beside it."""
    if not is_archive(names):
        return folder, None
    archive = next(name for name in names if name != METADATA)
    return folder / archive, folder / METADATA if METADATA in names else None


def refuse_archive(path: Path) -> None:
    """Raises ValidationError where one picture is expected and an archive came."""
    with path.open("rb") as file:
        if file.read(4) == b"PK\3\4" or is_archive([path.name]):
            raise ValidationError(
                f"{path.name} is an archive or an office document and not a picture; nothing was "
                "stored. Send a ZIP of pictures to /api/v1/drawings/batch/upload."
            )


def refuse_doubled(names: Sequence[str | None]) -> None:
    """Metadata names its file, so two files of one name could be mixed up."""
    doubled = sorted(name for name, count in Counter(map(label_of, names)).items() if count > 1)
    if doubled:
        raise BatchRefusedError(
            f"Several files are called {', '.join(doubled)}; nothing was stored. Rename them, so "
            "that each name stands for one file.",
            problems=[],
        )
