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
from threading import Lock
from typing import BinaryIO

from deepmed.core.home import Home
from deepmed.kit.errors import NotFoundError, StorageError, TooLargeError, ValidationError
from deepmed.kit.ids import new_uid
from deepmed.kit.sizes import MIB

FOLDER = Path("xray", "sources")
_LONGEST = 100
_STARTS = (b"PK\3\4", b"PK\5\6")
_UNNAMED = "images.zip"
_ONE_AT_A_TIME = Lock()
"""Of those who copy, so that what is free is not promised twice."""


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
            TooLargeError: it has more bytes than an upload may have, or than this owner may keep
                together with all others; nothing is kept of it.
            ValidationError: it is no ZIP; nothing is kept of it.
            StorageError: the disk is full or cannot be written.
        """
        size = self._check(content)
        path = self.folder / new_uid() / label_of(name)
        with _ONE_AT_A_TIME:
            self._check_room(size)
            self._write(path, content)
        return Upload(path.parent.name, path)

    def _write(self, path: Path, content: BinaryIO) -> None:
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
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise

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

    def _check(self, content: BinaryIO) -> int:
        """Its bytes."""
        most = self.home.settings.max_upload_bytes
        size = content.seek(0, 2)
        if size > most:
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
        return size

    def _check_room(self, size: int) -> None:
        settings = self.home.settings
        kept, most = sum(each.size for each in self.listed()), settings.max_kept_upload_bytes
        if kept + size > most:
            raise TooLargeError(
                f"The ZIP has {size / MIB:.1f} MiB, and your data sets have {kept / MIB:.1f} MiB; "
                f"{most / MIB:.1f} MiB are allowed together. Nothing of it was stored: delete "
                "data sets that you need no longer, or raise DEEPMED_MAX_KEPT_UPLOAD_BYTES."
            )
        free = shutil.disk_usage(settings.home).free
        if free - size < settings.reserved_disk_bytes:
            raise StorageError(
                f"The ZIP has {size / MIB:.1f} MiB, and {free / MIB:.1f} MiB are free on the disk, "
                f"of which {settings.reserved_disk_bytes / MIB:.1f} MiB are kept for other work. "
                "Nothing of it was stored; make room and send it again."
            )


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
