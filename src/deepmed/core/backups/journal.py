"""What a restore does to files after its commit, so that a kill in between leaves nothing half."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from deepmed.core.backups import repository
from deepmed.core.backups.errors import BackupBusyError
from deepmed.core.backups.folder import BackupFolder
from deepmed.core.backups.names import JOURNAL
from deepmed.core.backups.owned_files import named_keys
from deepmed.kit.database import Database
from deepmed.kit.errors import NotFoundError
from deepmed.kit.files import write_atomically
from deepmed.kit.storage import CHUNK_BYTES, FileStorageService

FOLDER = "restoring"
"""In the store: contents that wait to take the place of others."""


@dataclass
class Journal:
    """The steps that belong to a restore and cannot be in its transaction.

    Attributes:
        uid: the restore's, as its line in the audit trail names it.
        replaced: by key, the waiting content that takes the place of another.
        dropped: files that only the state before had.
    """

    uid: str
    replaced: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """On disk before the commit: from then on somebody will finish it."""
        write_atomically(folder / JOURNAL, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        with suppress(FileNotFoundError):
            return cls(**json.loads((folder / JOURNAL).read_text(encoding="utf-8")))
        return None

    def finish(self, database: Database, storage: FileStorageService, folder: Path) -> None:
        """The restore was committed: the files follow. Doing it twice does no harm."""
        with database.read() as session:  # somebody may have come to need one meanwhile
            named = set(named_keys(session, storage))
        for key, waiting in self.replaced.items():
            with suppress(NotFoundError):  # an earlier attempt has put it there
                _move(storage, waiting, key, folder)
        for key in set(self.dropped) - named:
            storage.delete(key)
        self._end(folder)

    def undo(self, storage: FileStorageService, folder: Path) -> None:
        """The restore was never committed: what waits is not needed."""
        for waiting in self.replaced.values():
            storage.delete(waiting)
        self._end(folder)

    @staticmethod
    def _end(folder: Path) -> None:
        (folder / JOURNAL).unlink(missing_ok=True)


def _move(storage: FileStorageService, source: str, target: str, folder: Path) -> None:
    """By way of a file: a store cannot be read and written in one stream."""
    with TemporaryDirectory(dir=folder) as own:
        path = Path(own) / "content"
        storage.save(source, path)
        with path.open("rb") as file:
            storage.put(target, iter(partial(file.read, CHUNK_BYTES), b""))
    storage.delete(source)


def complete(database: Database, storage: FileStorageService, folder: Path) -> bool:
    """Bring a restore to its end that was killed; whether there was one.

    Committed or not is what the audit trail says, which is written in the same transaction.
    """
    journal = Journal.read(folder)
    if journal is None:
        return False
    with database.read() as session:
        committed = repository.was_restored(session, journal.uid)
    if committed:
        journal.finish(database, storage, folder)
    else:
        journal.undo(storage, folder)
    return True


def complete_alone(database: Database, storage: FileStorageService, folder: Path) -> None:
    """The same, unless a restore is under way: then it is that one's own."""
    with suppress(BackupBusyError), BackupFolder(folder).locked():
        complete(database, storage, folder)
