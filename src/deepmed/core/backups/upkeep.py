"""What the installation takes of its disks, and what of it nobody needs."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deepmed.core.audit import repository as audit
from deepmed.core.backups.folder import WORK, BackupFolder
from deepmed.core.backups.making import database_bytes
from deepmed.core.backups.owned_files import named_keys, owned_files
from deepmed.core.home import Home
from deepmed.kit.logging import mask_url
from deepmed.kit.storage import ORPHAN_AGE

UPLOADS, EXPORTS, JOBS = "uploads", "data-exports", "jobs"
EXPORTS_KEPT = timedelta(days=1)
"""An export can be made again at any time, and holds everything of somebody's."""


@dataclass(frozen=True)
class Place:
    path: str
    exists: bool
    size_bytes: int
    file_count: int


@dataclass(frozen=True)
class Swept:
    """What a clean-up deleted."""

    temporary: int
    orphaned: int
    freed_bytes: int


def places(home: Home) -> dict[str, Place]:
    """Uploaded pictures, everything else in the store, work on this machine, and the backups."""
    folders = home.storage.get_storage_stats()["directories"]
    uploads = [folder for name, folder in folders.items() if name == UPLOADS]
    others = [folder for name, folder in folders.items() if name != UPLOADS]
    files = BackupFolder(home.settings.resolved_backup_folder).list()
    return {
        "uploads": _place(UPLOADS, uploads),
        "static": _place("static", others),
        "working": _working(home.settings.home),
        "backups": Place("backups", bool(files), sum(file.size for file in files), len(files)),
    }


def _place(path: str, folders: list[dict[str, int]]) -> Place:
    return Place(
        path,
        bool(folders),
        sum(folder["total_size_bytes"] for folder in folders),
        sum(folder["file_count"] for folder in folders),
    )


def _working(home: Path) -> Place:
    """What is in no backup: files of trainings and other jobs on this machine."""
    names = [JOBS, *(name for owned in owned_files() for name in owned.working)]
    sizes = [size for name in names for size in _sizes(home / name)]
    return Place("working", bool(sizes), sum(sizes), len(sizes))


def _sizes(folder: Path) -> Iterator[int]:
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # work goes on meanwhile
                yield Path(parent, name).stat().st_size


def database_place(home: Home) -> Place:
    """The database's file, or its server without the password."""
    file, size = home.database.file, database_bytes(home)
    path = file.name if file else mask_url(home.settings.resolved_database_url)
    return Place(path, size > 0, size, 1)


def sweep(home: Home) -> Swept:
    """Delete what killed processes left, files that no row names, and old exports.

    A young file is spared, because its row may be about to be written.
    """
    sizes = {stored.key: stored.size for stored in home.storage.list_files()}
    with home.database.read() as session:
        named = set(named_keys(session, home.storage))
    folders = [folder for owned in owned_files() for folder in owned.folders]
    gone = [
        key for folder in folders for key in home.storage.sweep_orphans(named, folder, ORPHAN_AGE)
    ]
    exports = home.storage.sweep_orphans(named, EXPORTS, EXPORTS_KEPT)
    orphaned = [key for key in gone if key in sizes]
    left, freed = _sweep_work(BackupFolder(home.settings.resolved_backup_folder))
    swept = Swept(
        temporary=len(gone) - len(orphaned) + len(exports) + left,
        orphaned=len(orphaned),
        freed_bytes=sum(sizes.get(key, 0) for key in [*gone, *exports]) + freed,
    )
    with home.database.write() as session:
        audit.record(session, home.owner_id, "storage.sweep", "settings", "storage", **vars(swept))
    return swept


def _sweep_work(folder: BackupFolder) -> tuple[int, int]:
    """What a killed backup left; one that is under way is in nobody's way."""
    work = folder.root / WORK
    if not work.is_dir():
        return 0, 0
    with folder.locked():
        files = [path for path in work.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files if path.stat().st_nlink == 1)
        shutil.rmtree(work, ignore_errors=True)
    return len(files), size
