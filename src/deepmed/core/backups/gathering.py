"""The files that a snapshot names, held still: writers may delete them in the store meanwhile."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deepmed.core.backups.owned_files import named_keys
from deepmed.core.backups.snapshot import Snapshot, snapshot
from deepmed.kit.database import Database
from deepmed.kit.errors import NotFoundError, ResourceError
from deepmed.kit.storage import FileStorageService

MOST_ROUNDS = 20
Progress = Callable[[int, int], None]


class Gathered:
    """Files under their keys in a folder; on the store's own disk they take no room."""

    def __init__(self, storage: FileStorageService, folder: Path) -> None:
        self._storage, self._folder = storage, folder
        self.keys: set[str] = set()
        self.lost: set[str] = set()
        """What a row named and the store did not have."""

    def path(self, key: str) -> Path:
        return self._folder / key

    def take(self, wanted: set[str], progress: Progress) -> None:
        """Hold what is wanted and not yet held, and see what is not there."""
        missing = sorted(wanted - self.keys)
        self.lost = set()
        for number, key in enumerate(missing):
            progress(number, len(missing))
            try:
                self._storage.save(key, self.path(key))
            except NotFoundError:
                self.lost.add(key)
            else:
                self.keys.add(key)

    def keep_only(self, wanted: set[str]) -> None:
        """Let go of what was deleted since it was taken."""
        for key in self.keys - wanted:
            self.path(key).unlink()
        self.keys &= wanted

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def whole_state(
    database: Database,
    storage: FileStorageService | None,
    folder: Path,
    progress: Progress,
) -> Iterator[tuple[Snapshot, Gathered | None]]:
    """A snapshot of the database with every file that it names; without a store no files.

    A file is written before the row that names it, and deleted after that row. So a file that is
    not there under a snapshot was deleted since, and the next snapshot does not name it; where it
    still does, the file is lost for good, and the backup says so.

    Raises:
        ResourceError: files go faster than they can be taken.
    """
    if storage is None:
        with snapshot(database, folder) as taken:
            yield taken, None
        return
    held = Gathered(storage, folder / "files")
    with database.read() as session:  # most are taken before anything is held still
        held.take(set(named_keys(session, storage)), progress)
    for _ in range(MOST_ROUNDS):
        before = held.lost
        with snapshot(database, folder) as taken:
            wanted = set(named_keys(taken.session, storage))
            held.take(wanted, progress)
            if held.lost <= before:
                held.keep_only(wanted)
                yield taken, held
                return
    raise ResourceError(
        "Files are being deleted faster than a backup can take them. No backup was made; try again "
        "when fewer are deleted."
    )
