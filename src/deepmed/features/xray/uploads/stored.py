"""ZIPs that came over HTTP, as they lie between the request that brought them and their trainings.

They lie in the data folder, below the number of their owner, under a name of our own; what a
browser calls them is a label and no path. A training reads them where they are, so that one can be
trained on again; who deletes one takes nothing from trainings that have ended.
"""

import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from deepmed.core.home import Home
from deepmed.kit.errors import NotFoundError, StorageError, TooLargeError, ValidationError
from deepmed.kit.ids import new_uid
from deepmed.kit.settings import MIB

FOLDER = Path("xray", "sources")
_LONGEST = 100
_STARTS = (b"PK\3\4", b"PK\5\6")
_UNNAMED = "images.zip"


@dataclass(frozen=True)
class Upload:
    """A ZIP that was taken in whole."""

    uid: str
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def received(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)


@dataclass(frozen=True)
class Uploads:
    """Those of one owner; others' do not exist here."""

    home: Home

    @property
    def folder(self) -> Path:
        return self.home.settings.home / FOLDER / str(self.home.owner_id)

    def receive(self, name: str | None, content: BinaryIO) -> Upload:
        """Take a ZIP in, piece by piece; it is looked into later.

        Raises:
            TooLargeError: it has more bytes than an upload may have; nothing is kept of it.
            ValidationError: it is no ZIP; nothing is kept of it.
            StorageError: the disk is full or cannot be written.
        """
        self._check(content)
        uid = new_uid()
        path = self.folder / uid / label_of(name)
        try:
            path.parent.mkdir(mode=0o700, parents=True)
            unfinished = path.with_suffix(".part")
            with unfinished.open("xb") as file:
                shutil.copyfileobj(content, file, MIB)
            unfinished.rename(path)
        except OSError as error:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise StorageError(
                f"The ZIP could not be kept: {error.strerror}. Nothing of it was stored; make "
                "room and send it again."
            ) from error
        return Upload(uid, path)

    def get(self, uid: str) -> Upload:
        """Raises NotFoundError where this owner has none of that name."""
        found = _held(self.folder / uid) if uid.isalnum() else None
        if found is None:
            raise NotFoundError(f"There is no data set {uid} here, or it was deleted.")
        return found

    def listed(self) -> Sequence[Upload]:
        """Newest first."""
        if not self.folder.is_dir():
            return []
        found = [each for each in map(_held, self.folder.iterdir()) if each is not None]
        return sorted(found, key=lambda each: each.received, reverse=True)

    def at(self, path: Path) -> Upload | None:
        """The one that lies there, if there still is one."""
        inside = path.parent.parent == self.folder
        found = _held(path.parent) if inside else None
        return found if found is not None and found.path == path else None

    def delete(self, uid: str) -> None:
        """Raises NotFoundError where there is none."""
        shutil.rmtree(self.get(uid).path.parent)

    def _check(self, content: BinaryIO) -> None:
        most = self.home.settings.max_upload_bytes
        if content.seek(0, 2) > most:
            raise TooLargeError(
                f"The ZIP has more than the {most / MIB:.0f} MiB that are allowed; nothing of it "
                "was stored. Raise DEEPMED_MAX_UPLOAD_BYTES, or train on this machine from a "
                "folder: `deepmed xray train FOLDER --experiment NAME`."
            )
        content.seek(0)
        if content.read(4) not in _STARTS:
            raise ValidationError(
                "This is no ZIP; nothing of it was stored. Pack the images and their table of "
                "labels, or one folder a class, into a ZIP."
            )
        content.seek(0)


def label_of(name: str | None) -> str:
    """The last part of a name, as a safe name of a file: `../a/b.zip` is `b.zip`."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    shown = "".join(each for each in last if unicodedata.category(each)[0] != "C").strip()
    stem = shown.removesuffix(".zip").removesuffix(".ZIP").strip(". ")
    cut = stem.encode()[:_LONGEST].decode(errors="ignore").strip(". ")
    return f"{cut}.zip" if cut else _UNNAMED


def _held(folder: Path) -> Upload | None:
    """What lies in a folder of ours; a file that is being written is none yet."""
    files = [path for path in folder.glob("*.zip") if path.is_file()] if folder.is_dir() else []
    return Upload(folder.name, files[0]) if files else None
