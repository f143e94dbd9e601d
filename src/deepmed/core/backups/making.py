"""Making a backup: one state of database and files, streamed into a signed archive."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deepmed
from deepmed.core.audit import repository as audit
from deepmed.core.backups import archive, repository, streams
from deepmed.core.backups.archive import ArchiveWriter, Entry
from deepmed.core.backups.folder import BackupFile, BackupFolder
from deepmed.core.backups.gathering import Gathered, Progress, whole_state
from deepmed.core.backups.manifest import Manifest, TableEntry
from deepmed.core.backups.names import Kind
from deepmed.core.backups.snapshot import Snapshot
from deepmed.core.home import Home
from deepmed.core.registry.keys import PRIVATE, SigningKeys, open_keys
from deepmed.kit import clock
from deepmed.kit.database import Base
from deepmed.kit.errors import StorageError
from deepmed.kit.logging import mask_url
from deepmed.kit.settings import Settings
from deepmed.kit.storage import FileStorageService

SPARE = 1.05
"""Room is asked for with a little more than what is known to be needed."""


@dataclass(frozen=True)
class Made:
    """A finished backup, and what it holds."""

    file: BackupFile
    manifest: Manifest


def make(
    home: Home,
    folder: BackupFolder,
    kind: Kind,
    passphrase: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Made:
    """Back up the installation as it is now, while others go on writing.

    Raises:
        BackupBusyError: another backup or restore is under way.
        StorageError: there is not enough room, or the database is in memory only.
    """
    with folder.work() as work:
        return make_in(work, home, folder, kind, passphrase, progress)


def make_in(  # noqa: PLR0917 - the parameters of `make`, and the folder
    work: Path,
    home: Home,
    folder: BackupFolder,
    kind: Kind,
    passphrase: str | None,
    progress: Progress = lambda _done, _total: None,
) -> Made:
    """As `make`, for a caller that has the folder to itself already."""
    storage = home.storage if kind == "full" else None
    check_room(folder.root, estimate(home, storage))
    name = folder.free_name(kind, sealed=passphrase is not None)
    unfinished = work / "unfinished"
    keys = open_keys(home.settings.home / "keys")
    with (
        whole_state(home.database, storage, work, progress) as (taken, held),
        ArchiveWriter.open(unfinished, passphrase) as writer,
    ):
        parts = _Parts(home, writer, work, taken, held, progress)
        manifest = parts.write(kind, keys, with_key=passphrase is not None)
    file = folder.publish(unfinished, name)
    with home.database.write() as session:
        audit.record(
            session,
            home.owner_id,
            "backup.create",
            "backup",
            name,
            kind=kind,
            size=file.size,
            encrypted=file.encrypted,
            files=manifest.files,
            lost_files=manifest.lost_files,
        )
    return Made(file, manifest)


def estimate(home: Home, storage: FileStorageService | None) -> int:
    """About how many bytes making one takes: the store, the database, and a copy of that."""
    files = sum(stored.size for stored in storage.list_files()) if storage else 0
    return files + 2 * database_bytes(home)


def database_bytes(home: Home) -> int:
    """What the database takes on disk; SQLite's journal counts."""
    file = home.database.file
    if file is not None:
        beside = (file, file.with_name(f"{file.name}-wal"))
        return sum(path.stat().st_size for path in beside if path.exists())
    with home.database.read() as session:
        return repository.server_bytes(session)


def check_room(folder: Path, needed: int) -> None:
    """Raises StorageError where a backup of so many bytes would fill the disk."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed * SPARE > free:
        raise StorageError(
            f"A backup needs about {needed / 2**30:.2f} GiB, and {free / 2**30:.2f} GiB are free "
            "in its folder. No backup was made; make room, or let DEEPMED_BACKUP_FOLDER name a "
            "larger disk."
        )


@dataclass
class _Parts:
    """The parts of one archive, in the order in which they are written."""

    home: Home
    writer: ArchiveWriter
    work: Path
    taken: Snapshot
    held: Gathered | None
    progress: Callable[[int, int], None]

    def write(self, kind: Kind, keys: SigningKeys, *, with_key: bool) -> Manifest:
        database = self._database()
        listed, count, size = self._files()
        key = self._keys(keys, with_key=with_key)
        settings = self.writer.add(archive.SETTINGS, [settings_told(self.home.settings)])
        manifest = Manifest(
            kind=kind,
            created_at=clock.now(),
            snapshot_at=self.taken.taken_at,
            program=deepmed.__version__,
            revision=self.taken.revision(),
            engine=self.home.database.engine.dialect.name,
            files=count,
            file_bytes=size,
            files_sha256=listed.sha256,
            lost_files=len(self.held.lost) if self.held else 0,
            holds_keys=with_key,
            key_sha256=key.sha256 if key else None,
            settings_sha256=settings.sha256,
            signed_by=keys.fingerprint,
            **database,
        )
        self.writer.sign(manifest, keys)
        return manifest

    def _database(self) -> dict[str, Any]:
        tables = self.taken.tables()
        if self.taken.file is not None:
            entry = self.writer.add_file(archive.DATABASE, self.taken.file, pack=True)
            return {"database": "sqlite", "database_sha256": entry.sha256, "tables": tables}
        lines = {name: self._table(name, entry) for name, entry in tables.items()}
        return {"database": "lines", "tables": lines}

    def _table(self, name: str, told: TableEntry) -> TableEntry:
        connection = self.taken.session.connection()
        key = streams.key_of(Base.metadata.tables[name])
        found = streams.rows(connection, name, told.columns, key)
        lines = map(streams.to_line, found)
        entry = self.writer.add(f"{archive.TABLES}{name}.jsonl", lines, pack=True)
        return told.model_copy(update={"sha256": entry.sha256})

    def _files(self) -> tuple[Entry, int, int]:
        listed, size = self.work / "files.jsonl", 0
        held = sorted(self.held.keys) if self.held else []
        with listed.open("wb") as lines:
            for number, key in enumerate(held):
                self.progress(number, len(held))
                entry = self._file(key)
                size += entry.size
                lines.write(streams.to_line([key, entry.size, entry.sha256]))
        return self.writer.add_file(archive.LIST, listed, pack=True), len(held), size

    def _file(self, key: str) -> Entry:
        assert self.held is not None  # noqa: S101 - without it no file is listed
        return self.writer.add_file(f"{archive.FILES}{key}", self.held.path(key))

    def _keys(self, keys: SigningKeys, *, with_key: bool) -> Entry | None:
        """The private key leaves the installation under encryption only."""
        self.writer.add(archive.PUBLIC_KEY, [keys.public_key])
        if not with_key:
            return None
        path = self.home.settings.home / "keys" / PRIVATE
        return self.writer.add_file(archive.PRIVATE_KEY, path)


def settings_told(settings: Settings) -> bytes:
    """What was set, without a secret: to read, never to be applied."""
    told = dict(_told(settings))
    return json.dumps(told, indent=1, sort_keys=True).encode()


def _told(settings: Settings) -> Iterator[tuple[str, Any]]:
    for name, value in settings.model_dump(mode="json").items():
        secret = hasattr(getattr(settings, name), "get_secret_value")
        if not secret:
            yield name, mask_url(value) if isinstance(value, str) else value
