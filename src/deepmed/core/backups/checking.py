"""Reading a backup back, to the last byte."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deepmed.core.backups import archive
from deepmed.core.backups.archive import Backup
from deepmed.core.backups.errors import BackupRefusedError
from deepmed.core.backups.gathering import Progress
from deepmed.core.backups.scratch import scratch_database


@dataclass(frozen=True)
class Checked:
    """What was read back and found to be as it was signed."""

    tables: int
    rows: int
    files: int
    file_bytes: int
    lost_files: int


def check(backup: Backup, work: Path, progress: Progress = lambda _done, _total: None) -> Checked:
    """Read all of it: every file, every row, and open its database with today's tables.

    Raises:
        BackupRefusedError: names the first part that is not as it was signed.
        ConflictError: a newer version made it.
    """
    manifest = backup.manifest
    size = check_files(backup, progress)
    with TemporaryDirectory(dir=work) as folder, scratch_database(backup, Path(folder)):
        rows = sum(table.rows for table in manifest.tables.values())
    return Checked(len(manifest.tables), rows, manifest.files, size, manifest.lost_files)


def check_files(backup: Backup, progress: Progress = lambda _done, _total: None) -> int:
    """As `check`, without the database; returns the files' bytes."""
    _check_names(backup)
    size = sum(_read_files(backup, progress))
    backup.settings()
    if backup.manifest.holds_keys:
        backup.private_key()
    return size


def _read_files(backup: Backup, progress: Progress) -> Iterator[int]:
    for number, (key, expected) in enumerate(backup.files()):
        progress(number, backup.manifest.files)
        yield sum(len(piece) for piece in backup.stream_file(key, expected))


def _check_names(backup: Backup) -> None:
    """Nothing beside what is listed, and nothing twice."""
    manifest = backup.manifest
    expected = Counter([archive.MANIFEST, archive.SIGNATURE, archive.LIST, archive.SETTINGS])
    expected[archive.PUBLIC_KEY] = 1
    if manifest.holds_keys:
        expected[archive.PRIVATE_KEY] = 1
    if manifest.database == "sqlite":
        expected[archive.DATABASE] = 1
    else:
        expected.update(f"{archive.TABLES}{name}.jsonl" for name in manifest.tables)
    expected.update(f"{archive.FILES}{key}" for key, _ in backup.files())
    if expected != backup.names():
        raise BackupRefusedError(
            "The backup holds other files than its signed list says. Nothing was changed here; "
            "use another backup."
        )
