"""The files that a snapshot names, held still: writers may delete them in the store meanwhile."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from deepmed.core.backups.owned_files import named_keys
from deepmed.core.backups.snapshot import Snapshot, snapshot
from deepmed.kit.database import Database
from deepmed.kit.errors import NotFoundError
from deepmed.kit.storage import FileStorageService

ATTEMPTS = 2
"""How often a state is looked for beside writers, before they wait for one."""
Progress = Callable[[int, int], None]


class Gathered:
    """Files under their keys in a folder; on the store's own disk they take no room."""

    def __init__(self, storage: FileStorageService, folder: Path) -> None:
        self.storage, self._folder = storage, folder
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
                self.storage.save(key, self.path(key))
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
    still does, the file is lost for good, and the backup says so. Where files go so fast that
    this finds no end, writers wait for a moment: then nothing can go between the two.
    """
    if storage is None:
        with snapshot(database, folder) as taken:
            yield taken, None
        return
    held = Gathered(storage, folder / "files")
    with database.read() as session:  # most are taken before anything is held still
        held.take(set(named_keys(session, storage)), progress)
    with _still(database, folder, held, progress) as taken:
        yield taken, held


@contextmanager
def _still(
    database: Database, folder: Path, held: Gathered, progress: Progress
) -> Iterator[Snapshot]:
    for attempt in range(ATTEMPTS + 1):
        before = held.lost
        turn = database.write() if attempt == ATTEMPTS else nullcontext()
        with ExitStack() as stack:
            with turn:
                taken = stack.enter_context(snapshot(database, folder))
                wanted = set(named_keys(taken.session, held.storage))
                held.take(wanted, progress)
            if held.lost <= before or attempt == ATTEMPTS:
                held.keep_only(wanted)
                yield taken
                return
