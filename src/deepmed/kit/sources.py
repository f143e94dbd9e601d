"""Where pictures come from: a file, a folder or a ZIP of unknown origin, behind one face."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deepmed.kit.archives import Archive, ArchiveLimits, open_archive
from deepmed.kit.errors import ImageProcessingError, ValidationError
from deepmed.kit.pictures import looks_like_picture
from deepmed.kit.sizes import MIB

HEAD_BYTES = 160
"""So many tell a DICOM, whose mark lies behind 128 bytes of anything."""
_SKIPPED = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class SourceFile:
    """A file of a source by its path within it; `problem` says why it cannot be read."""

    name: str
    is_picture: bool = False
    """By its first bytes, whatever its name says."""
    problem: str | None = None
    head: bytes = b""
    """Its first bytes."""


class Source(Protocol):
    name: str
    kind: str
    """`file`, `folder` or `archive`."""
    files: tuple[SourceFile, ...]

    def read(self, file: SourceFile) -> bytes:
        """The file's bytes.

        Raises:
            ImageProcessingError: it has a problem, is too large or cannot be read.
        """
        ...

    def origin(self) -> str:
        """What it was, for the dataset's provenance."""
        ...


class FolderSource:
    """A folder with its subfolders, or a single file."""

    def __init__(self, path: Path, max_file_bytes: int) -> None:
        self._limit = max_file_bytes
        self.kind = "folder" if path.is_dir() else "file"
        self.name = path.resolve().name
        self._root = path if path.is_dir() else path.parent
        paths = sorted(_walk(path)) if path.is_dir() else [path]
        self.files = tuple(self._look_at(each) for each in paths)

    def read(self, file: SourceFile) -> bytes:
        _refuse_problem(file)
        try:
            with (self._root / file.name).open("rb") as opened:
                data = opened.read(self._limit + 1)
        except OSError as error:
            raise ImageProcessingError(f"The file cannot be read: {error.strerror}.") from error
        if len(data) > self._limit:
            raise ImageProcessingError(
                f"The file has more than the {self._limit / MIB:.1f} MiB that are allowed."
            )
        return data

    def origin(self) -> str:
        return f"{self.kind} {self.name}"

    def _look_at(self, path: Path) -> SourceFile:
        name = path.relative_to(self._root).as_posix()
        shown = name.encode(errors="backslashreplace").decode()
        if shown != name:
            return SourceFile(shown, problem="its name is not valid UTF-8; rename it")
        # A file that the user names may be a link; one that lies in a folder may lead anywhere.
        mode = path.stat().st_mode if self.kind == "file" else path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return SourceFile(name, problem="a link is not followed")
        if not stat.S_ISREG(mode):
            return SourceFile(name, problem="it is a device, not a file")
        try:
            with path.open("rb") as opened:
                head = opened.read(HEAD_BYTES)
        except OSError as error:
            return SourceFile(name, problem=f"it cannot be read: {error.strerror}")
        return SourceFile(name, looks_like_picture(head), head=head)


class ArchiveSource:
    """An examined ZIP."""

    kind = "archive"

    def __init__(self, path: Path, archive: Archive) -> None:
        self.name = path.name
        self._path = path
        self._archive = archive
        self._entries = {entry.name: entry for entry in archive.entries if not entry.problem}
        self.files = tuple(
            SourceFile(entry.name, looks_like_picture(entry.head), entry.problem, entry.head)
            for entry in archive.entries
        )

    def read(self, file: SourceFile) -> bytes:
        _refuse_problem(file)
        return self._archive.read(self._entries[file.name])

    def origin(self) -> str:
        with self._path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return f"archive {self.name}, SHA-256 {digest}"


@contextmanager
def open_source(path: Path, limits: ArchiveLimits) -> Iterator[Source]:
    """Look at a file, a folder or a ZIP; nothing is decoded yet.

    Of the limits a folder and a file take the size of a single file alone.

    Raises:
        ValidationError: there is nothing at that path, or it cannot be read.
        ArchiveRefusedError: a ZIP that is unsafe or damaged.
    """
    if not path.is_dir() and not path.is_file():
        raise ValidationError(f"There is no file or folder {path}; nothing was stored.")
    with ExitStack() as stack:
        try:
            source = _opened(path, limits, stack)
        except PermissionError as error:
            raise ValidationError(f"{path} cannot be read: {error.strerror}.") from error
        yield source


def _opened(path: Path, limits: ArchiveLimits, stack: ExitStack) -> Source:
    if not _is_archive(path):
        return FolderSource(path, limits.max_entry_bytes)
    return ArchiveSource(path, stack.enter_context(open_archive(path, limits)))


def _refuse_problem(file: SourceFile) -> None:
    if file.problem is not None:
        raise ImageProcessingError(f"The file cannot be read: {file.problem}.")


def _is_archive(path: Path) -> bool:
    if path.is_dir():
        return False
    with path.open("rb") as opened:
        return path.suffix.lower() == ".zip" or opened.read(4) == b"PK\3\4"


def _walk(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if not _hidden(name)]
        # A linked folder is not entered, but it is told, as a linked file is.
        links = [name for name in inner if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in [*names, *links] if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED
