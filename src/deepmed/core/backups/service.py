"""Backups of an installation: make, list, check, restore, delete, and forget old ones."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Self

from deepmed.core.audit import repository as audit
from deepmed.core.backups import checking, journal, making, repository, restoring, verdicts
from deepmed.core.backups.archive import Backup, open_backup
from deepmed.core.backups.errors import BackupRefusedError, PassphraseError
from deepmed.core.backups.folder import BackupFile, BackupFolder
from deepmed.core.backups.gathering import Progress
from deepmed.core.backups.making import Made
from deepmed.core.backups.names import Kind
from deepmed.core.backups.passphrases import passphrase_of
from deepmed.core.backups.restoring import Restored
from deepmed.core.backups.sealing import is_sealed_file
from deepmed.core.home import Home
from deepmed.core.registry.keys import open_keys, replace_keys
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, TooLargeError
from deepmed.kit.storage import FileStorageService

KEPT, KEPT_DAYS = 10, 30
PIECE = 1 << 20


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class BackupService:
    """The backups of one installation; whoever may use it sees the data of all its owners.

    Args:
        home: the open data folder.
        passphrase: encrypts new backups and opens encrypted ones; None makes plain ones.
        trusted: public keys, in PEM, of other installations whose backups are taken too.
    """

    home: Home
    passphrase: str | None = None
    trusted: Sequence[bytes] = field(default=())

    @classmethod
    def of(cls, home: Home) -> Self:
        """With the passphrase of the settings."""
        return cls(home, passphrase_of(home.settings))

    @property
    def folder(self) -> BackupFolder:
        return BackupFolder(self.home.settings.resolved_backup_folder)

    def create_full_backup(
        self, *, include_files: bool = True, progress: Progress = _silent
    ) -> Made:
        """Back up database and files; see `making.make`."""
        return self.create("full" if include_files else "database", progress=progress)

    def create_database_backup(self) -> Made:
        """Back up the database alone; of use as long as the files stay."""
        return self.create("database")

    def create(self, kind: Kind, *, progress: Progress = _silent, copy: bool | None = None) -> Made:
        """Make a backup and lay a copy of it where the settings name a second place.

        Args:
            kind: what is in it.
            progress: told how many files are in it.
            copy: True insists on the copy, False leaves it.

        Raises:
            BackupBusyError: another backup or restore is under way.
            StorageError: there is not enough room, or a place cannot be written.
        """
        target = self._second_place() if copy in {None, True} else None
        if copy and target is None:
            raise BackupRefusedError(
                "There is no second place for backups. Nothing was done; set "
                "DEEPMED_BACKUP_COPY_URL, for example to s3://bucket/backups, and start again."
            )
        made = making.make(self.home, self.folder, kind, self.passphrase, progress)
        if target is not None:
            with made.file.path.open("rb") as file:
                target.put(made.file.name, iter(lambda: file.read(PIECE), b""))
        return made

    def list(self) -> list[BackupFile]:
        """Newest first."""
        return self.folder.list()

    def find(self, name: str) -> BackupFile:
        return self.folder.find(name)

    @contextmanager
    def opened(self, path: Path) -> Iterator[Backup]:
        """A backup that this installation, or somebody trusted, signed."""
        own = open_keys(self.home.settings.home / "keys").public_key
        with open_backup(path, [own, *self.trusted], self.passphrase) as backup:
            yield backup

    def verify(self, path: Path, progress: Progress = _silent) -> checking.Checked:
        """Read all of it back, and write down what came of it; see `checking.check`."""
        try:
            with self.folder.work() as work, self.opened(path) as backup:
                checked = checking.check(backup, work, progress)
        except BackupRefusedError as error:
            self._note(path, error.message)
            raise
        self._note(path, None)
        return checked

    def restore(
        self, path: Path, *, with_safety: bool = True, progress: Progress = _silent
    ) -> Restored:
        """Go back to a backup, after one of the present state; see `restoring.restore`."""
        with self.folder.work() as work, self.opened(path) as backup:
            journal.complete(self.home.database, self.home.storage, self.folder.root)
            return restoring.restore(
                self.home,
                self.folder,
                backup,
                work,
                label=path.name,
                safety=self.passphrase,
                with_safety=with_safety,
                progress=progress,
            )

    def adopt_keys(self, path: Path) -> str:
        """Take over the signing key of a lost installation from its encrypted backup.

        So that its models and its other backups are this installation's own. Returns the key's
        fingerprint.

        Raises:
            BackupRefusedError: there is no key in it.
            ConflictError: something was signed here already.
        """
        with self.home.database.read() as session:
            if repository.any_artifact(session):
                raise ConflictError(
                    "This installation has signed models of its own, which would not be its own "
                    "any more. Nothing was changed. Restore into a new, empty data folder."
                )
        keys = [open_keys(self.home.settings.home / "keys").public_key, *self.trusted]
        with open_backup(path, keys, self.passphrase, trust_sealed=True) as backup:
            if not backup.manifest.holds_keys:
                raise BackupRefusedError(
                    "There is no signing key in this backup: only encrypted ones hold it. Nothing "
                    "was changed."
                )
            return replace_keys(self.home.settings.home / "keys", backup.private_key()).fingerprint

    def receive(self, file: IO[bytes], most_bytes: int) -> BackupFile:
        """Take in a file that somebody sent, under a name of ours.

        An encrypted one that cannot be opened now is kept unread: whoever restores it needs its
        passphrase, and is told then whether it is one of ours.

        Raises:
            BackupRefusedError: it is no backup that this installation signed.
            TooLargeError: it is larger than is taken.
        """
        with self.folder.work() as work:
            unfinished = work / "received"
            _store(file, unfinished, most_bytes)
            kind = self._kind_of(unfinished)
            name = self.folder.free_name(kind, sealed=is_sealed_file(unfinished))
            received = self.folder.publish(unfinished, name)
        self._record("backup.upload", received)
        return received

    def delete(self, name: str) -> BackupFile:
        """Raises NotFoundError where there is none."""
        gone = self.folder.delete(name)
        self._record("backup.delete", gone)
        return gone

    def record_download(self, file: BackupFile) -> None:
        """A backup leaves the machine with everybody's data: that is written down."""
        self._record("backup.download", file)

    def cleanup(self) -> Sequence[BackupFile]:
        """Delete what is older than thirty days or not among the ten newest.

        The newest one stays however old it is: an old backup is better than none.
        """
        limit = clock.now() - timedelta(days=KEPT_DAYS)
        doomed = [
            file
            for place, file in enumerate(self.list())
            if place > 0 and (place >= KEPT or file.created < limit)
        ]
        return [self.delete(file.name) for file in doomed]

    def _note(self, path: Path, problem: str | None) -> None:
        """Only of a backup of the folder: what lies elsewhere is not listed."""
        if path.parent.resolve() == self.folder.root.resolve():
            with self.home.database.write() as session:
                verdicts.note(session, self.home.owner_id, self.find(path.name), problem)

    def _kind_of(self, path: Path) -> Kind:
        try:
            with self.opened(path) as backup:
                return backup.manifest.kind
        except PassphraseError:
            return "full"

    def _second_place(self) -> FileStorageService | None:
        url = self.home.settings.backup_copy_url
        return FileStorageService(url) if url else None

    def _record(self, action: str, file: BackupFile) -> None:
        home = self.home
        with home.database.write() as session:
            audit.record(session, home.owner_id, action, "backup", file.name, size=file.size)


def _store(source: IO[bytes], target: Path, most_bytes: int) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    size = 0
    with os.fdopen(descriptor, "wb") as file:
        while piece := source.read(PIECE):
            size += len(piece)
            if size > most_bytes:
                raise TooLargeError(
                    f"The file is larger than {most_bytes} bytes; nothing was stored. Copy it to "
                    "this machine and use `deepmed backup restore FILE`."
                )
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
