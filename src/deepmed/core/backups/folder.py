"""The folder of backups: what is in it, and that only one backup or restore is under way."""

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from deepmed.core.backups.errors import BackupBusyError
from deepmed.core.backups.names import Kind, check_name, is_name, is_sealed, kind_of, name_of
from deepmed.kit import clock
from deepmed.kit.errors import ConfigurationError, NotFoundError
from deepmed.kit.ids import new_uid

WORK, LOCK = ".work", ".lock"


@dataclass(frozen=True)
class BackupFile:
    """A backup as the folder lists it."""

    name: str
    path: Path
    size: int
    created: datetime
    """By its name: when it was begun, or when it was uploaded."""
    modified: datetime

    @property
    def kind(self) -> Kind:
        return kind_of(self.name)

    @property
    def encrypted(self) -> bool:
        return is_sealed(self.name)


class BackupFolder:
    """A folder that only this user can read; made when it is first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def list(self) -> list[BackupFile]:
        """Newest first."""
        names = [entry.name for entry in os.scandir(self.root)] if self.root.is_dir() else []
        found = [self._look(name) for name in names if is_name(name)]
        return sorted(filter(None, found), key=lambda one: (one.created, one.name), reverse=True)

    def find(self, name: str) -> BackupFile:
        """Raises NotFoundError where there is none, BackupRefusedError for a bare database."""
        found = self._look(check_name(name))
        if found is None:
            raise NotFoundError("There is no backup of this name.")
        return found

    def delete(self, name: str) -> BackupFile:
        found = self.find(name)
        found.path.unlink(missing_ok=True)
        return found

    @contextmanager
    def work(self) -> Iterator[Path]:
        """A folder to work in, while nobody else does; it is gone afterwards.

        Raises:
            BackupBusyError: another process, or another request, makes or restores a backup.
            ConfigurationError: the folder cannot be made.
        """
        with self.locked():
            self._make(self.root / WORK)
            shutil.rmtree(self.root / WORK, ignore_errors=True)  # what a killed process left
            folder = self.root / WORK / new_uid()
            self._make(folder)
            try:
                yield folder
            finally:
                shutil.rmtree(self.root / WORK, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        self._make(self.root)
        try:
            with FileLock(self.root / LOCK, timeout=0, mode=0o600):
                yield
        except Timeout as error:
            raise BackupBusyError from error

    def free_name(self, kind: Kind, *, sealed: bool) -> str:
        """A name of this second; where that is taken, of the next."""
        while True:
            name = name_of(kind, clock.now(), sealed=sealed)
            stem = name_of(kind, clock.now(), sealed=False)
            taken = (self.root / each for each in (stem, f"{stem}.enc", name))
            if not any(path.exists() for path in taken):
                return name
            time.sleep(0.05)

    def publish(self, unfinished: Path, name: str) -> BackupFile:
        """Give a finished file its name: from now on it is listed, and survives a crash."""
        unfinished.replace(self.root / name)
        if os.name == "posix":
            descriptor = os.open(self.root, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return self.find(name)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The folder of backups {self.root} cannot be made: {error.strerror}. Nothing was "
                "changed. Set DEEPMED_BACKUP_FOLDER to a place that you may write to."
            ) from error

    def _look(self, name: str) -> BackupFile | None:
        path = self.root / name
        with suppress(OSError, ValueError):  # it went meanwhile, or its digits are no moment
            found = path.stat(follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode):  # a link could lead anywhere
                return None
            moment = name.split("_backup_")[1][:15]
            created = datetime.strptime(f"{moment}+0000", "%Y%m%d_%H%M%S%z")
            modified = datetime.fromtimestamp(found.st_mtime, UTC)
            return BackupFile(name, path, found.st_size, created, modified)
        return None
