"""Going back to a backup: everything of it or nothing, whatever happens on the way."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy.orm import Session

from deepmed.core.accounts.repository import local_owner_id
from deepmed.core.accounts.tables import Owner
from deepmed.core.audit import repository as audit
from deepmed.core.backups import repository
from deepmed.core.backups.applying import refuse_running_jobs, replace_rows
from deepmed.core.backups.archive import Backup, Entry
from deepmed.core.backups.checking import check_files
from deepmed.core.backups.folder import BackupFolder
from deepmed.core.backups.gathering import Progress
from deepmed.core.backups.journal import FOLDER, Journal
from deepmed.core.backups.making import make_in
from deepmed.core.backups.names import Kind
from deepmed.core.backups.owned_files import named_keys
from deepmed.core.backups.scratch import end_jobs, scratch_database
from deepmed.core.home import Home
from deepmed.kit.database import Database
from deepmed.kit.errors import ConflictError, NotFoundError
from deepmed.kit.ids import new_uid
from deepmed.kit.storage import FileStorageService, check_key


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        safety_backup: the state before it; None where it was not wanted.
        files_written: files that were not there, or were others.
        files_deleted: files that only the state before had.
        jobs_cancelled: jobs that were queued or running when the backup was made.
        lost_files: files that rows name and that are nowhere.
    """

    safety_backup: str | None
    kind: Kind
    files_written: int
    files_deleted: int
    jobs_cancelled: int
    lost_files: int


def restore(
    home: Home,
    folder: BackupFolder,
    backup: Backup,
    work: Path,
    *,
    label: str,
    safety: str | None,
    with_safety: bool = True,
    progress: Progress = lambda _done, _total: None,
) -> Restored:
    """Put the state of a backup in the place of the present one.

    Everything is read and checked first; then the files that are missing come into the store, all
    rows change in one transaction, and what only the old rows named goes. Killed before that
    transaction's end nothing has changed; killed after it, the next start finishes the files.

    Args:
        home: whose state changes.
        folder: of backups; the caller has it to itself.
        backup: opened and trusted.
        work: an empty folder.
        label: what the audit trail calls the backup.
        safety: the passphrase of the safety backup.
        with_safety: back up the present state first.
        progress: told how many of its files are written.

    Raises:
        BackupRefusedError: it is damaged.
        ConflictError: jobs run, a newer version made it, or files that its rows name are gone.
        ResourceError: the database is out of reach or busy.
    """
    check_files(backup)
    with home.database.read() as session:
        refuse_running_jobs(session)
    with scratch_database(backup, work) as scratch:
        saved = _save_present(home, folder, backup, work, safety) if with_safety else None
        cancelled = end_jobs(scratch)
        files = _Files(home, backup, scratch)
        written = files.prepare(progress)
        journal = files.journal
        journal.write(folder.root)

        def told(session: Session) -> None:
            _record(session, home.owner_id, journal.uid, label, saved)

        try:
            replace_rows(scratch, home.database, backup.manifest.tables, told)
        except BaseException:
            files.undo(folder.root)
            raise
    journal.finish(home.database, home.storage, folder.root)
    return Restored(
        safety_backup=saved,
        kind=backup.manifest.kind,
        files_written=written,
        files_deleted=len(journal.dropped),
        jobs_cancelled=cancelled,
        lost_files=backup.manifest.lost_files,
    )


def _save_present(
    home: Home, folder: BackupFolder, backup: Backup, work: Path, passphrase: str | None
) -> str:
    own = work / "safety"
    own.mkdir()
    return make_in(own, home, folder, backup.manifest.kind, passphrase).file.name


class _Files:
    """The files of a restore: those that can come before its commit, and those that must wait."""

    def __init__(self, home: Home, backup: Backup, scratch: Database) -> None:
        self._home, self._backup, self._scratch = home, backup, scratch
        self._storage: FileStorageService = home.storage
        self.journal = Journal(new_uid())
        self._added: list[str] = []

    def prepare(self, progress: Progress) -> int:
        """Bring in what is missing, lay beside what differs, and note what goes; counts both."""
        if self._backup.manifest.kind == "database":
            self._refuse_missing()
            return 0
        with self._home.database.read() as session:
            before = set(named_keys(session, self._storage))
        for number, (key, expected) in enumerate(self._backup.files()):
            progress(number, self._backup.manifest.files)
            self._bring(check_key_of(key), expected)
            before.discard(key)
        self.journal.dropped = sorted(before)
        return len(self._added) + len(self.journal.replaced)

    def undo(self, folder: Path) -> None:
        """Nothing was committed: leave no trace."""
        for key in self._added:
            self._storage.delete(key)
        self.journal.undo(self._storage, folder)

    def _bring(self, key: str, expected: Entry) -> None:
        """No file that the present rows may name is touched before the commit."""
        present = self._present(key)
        if present == expected.sha256:
            return
        pieces = self._backup.stream_file(key, expected)
        if present is None:
            self._storage.put(key, pieces)
            self._added.append(key)
        else:
            waiting = f"{FOLDER}/{self.journal.uid}/{len(self.journal.replaced):08d}"
            self._storage.put(waiting, pieces)
            self.journal.replaced[key] = waiting

    def _present(self, key: str) -> str | None:
        told = sha256()
        try:
            for piece in self._storage.stream(key):
                told.update(piece)
        except NotFoundError:
            return None
        return told.hexdigest()

    def _refuse_missing(self) -> None:
        """A backup of the database alone is of use where the files that it names still are."""
        there = {stored.key for stored in self._storage.list_files()}
        with self._scratch.read() as session:
            missing = set(named_keys(session, self._storage)) - there
        if len(missing) > self._backup.manifest.lost_files:
            raise ConflictError(
                f"This backup holds the database alone, and {len(missing)} files that it names are "
                "gone since. Nothing was changed. Restore a full backup instead."
            )


def check_key_of(key: str) -> str:
    """Signed or not, no key leads out of the store. Raises PathRefusedError."""
    check_key(key)
    return key


def _record(
    session: Session, owner_id: int, uid: str, label: str, safety_backup: str | None
) -> None:
    """In the name of who asked, where the restored state knows that person."""
    session.flush()
    owner = session.get(Owner, owner_id)
    audit.record(
        session,
        owner.id if owner else local_owner_id(session),
        repository.RESTORED,
        "restore",
        uid,
        backup=label,
        safety_backup=safety_backup,
    )
