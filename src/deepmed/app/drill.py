"""A restore drill: on a copy, from a backup through further writes back to that backup (O-7)."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select

from deepmed.app.opening import open_home
from deepmed.core.audit import repository as audit
from deepmed.core.audit.tables import AuditEvent
from deepmed.core.backups.comparing import differences, state_of
from deepmed.core.backups.service import BackupService
from deepmed.core.backups.streams import key_of
from deepmed.core.home import Home
from deepmed.kit import clock
from deepmed.kit.database import Base
from deepmed.kit.settings import Settings

BEAT = "backup.drill"
BEAT_SECONDS = 0.02
FOLDER = ".drill"
AFTERWARDS = 10**9
"""The number of a write after the backup, which must not come back."""


@dataclass(frozen=True)
class DrillReport:
    """What a drill measured.

    Attributes:
        backup_seconds: how long the backup of the copy took, while others wrote to it.
        recovery_seconds: from the beginning of the restore until it was complete and compared.
        recovery_point_seconds: how much older the newest restored write is than the moment of the
            backup, in which a write was committed every few hundredths of a second.
        writes_lost: writes that were committed before that moment and are not in the copy.
        writes_during: writes that were committed while the backup was made.
        tables: tables compared, row by row.
        rows: rows in them.
        files: files compared, byte by byte.
        differences: what is not as it was; nothing where all is well.
    """

    backup_seconds: float
    recovery_seconds: float
    recovery_point_seconds: float
    writes_lost: int
    writes_during: int
    tables: int
    rows: int
    files: int
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences and self.writes_lost == 0


def run_drill(service: BackupService) -> DrillReport:
    """Try the whole way on a copy of the installation, which is deleted afterwards.

    The copy is restored from a fresh backup too, into SQLite and a local folder whatever the
    installation itself uses.
    """
    root = service.home.settings.resolved_backup_folder / FOLDER
    shutil.rmtree(root, ignore_errors=True)
    try:
        with _copy(service, root) as copy:
            return _drill(copy)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _copy(service: BackupService, root: Path) -> Iterator[BackupService]:
    """The installation as it is now, in a data folder of its own."""
    original = _at(service.home.settings, root / "original")
    source = BackupService(
        Home(original, service.home.database, service.home.owner_id), service.passphrase
    )
    vars(source.home)["storage"] = service.home.storage
    made = source.create("full")
    keys = (source.home.settings.home / "keys" / "signing.pub").read_bytes()
    with open_home(_at(service.home.settings, root / "copy")) as home:
        copy = BackupService(home, service.passphrase, [keys])
        copy.restore(made.file.path, with_safety=False)
        shutil.rmtree(root / "original")
        yield copy


def _at(settings: Settings, home: Path) -> Settings:
    own = {
        "home": home,
        "database_url": None,
        "storage_url": None,
        "backup_folder": None,
        "backup_copy_url": None,
    }
    home.mkdir(mode=0o700, parents=True)
    return settings.model_copy(update=own)


def _drill(copy: BackupService) -> DrillReport:
    home = copy.home
    before = state_of(home)
    with _beats(home) as beats:
        time.sleep(5 * BEAT_SECONDS)
        begun = time.perf_counter()
        made = copy.create("full")
        backup_seconds = time.perf_counter() - begun
    _write_on(home)
    begun = time.perf_counter()
    copy.restore(made.file.path, with_safety=False)
    found = state_of(home, before)
    recovery_seconds = time.perf_counter() - begun
    moment = made.manifest.snapshot_at
    restored = _beats_of(home)
    committed = {number for number, at in enumerate(beats) if at <= moment}
    newest = max((beats[number] for number in restored - {AFTERWARDS}), default=beats[0])
    return DrillReport(
        backup_seconds=round(backup_seconds, 3),
        recovery_seconds=round(recovery_seconds, 3),
        recovery_point_seconds=round(max(0.0, (moment - newest).total_seconds()), 3),
        writes_lost=len(committed - restored),
        writes_during=len(beats) - len(committed),
        tables=len(found.tables),
        rows=sum(table.rows for table in found.tables.values()),
        files=len(found.files),
        differences=differences(before, found)
        + ["A write after the backup came back."] * (AFTERWARDS in restored),
    )


@contextmanager
def _beats(home: Home) -> Iterator[list[datetime]]:
    """Somebody who writes all the time; the moments at which each write was committed."""
    committed: list[datetime] = []
    enough = threading.Event()

    def beat() -> None:
        while not enough.wait(BEAT_SECONDS):
            with home.database.write() as session:
                audit.record(session, home.owner_id, BEAT, "drill", len(committed))
            committed.append(clock.now())

    writer = threading.Thread(target=beat, name="drill", daemon=True)
    writer.start()
    try:
        yield committed
    finally:
        enough.set()
        writer.join()


def _write_on(home: Home) -> None:
    """What happens after the backup, and must be gone after the restore."""
    tables = Base.metadata.sorted_tables
    needed = {key.column.table for table in tables for key in table.foreign_keys}
    with home.database.write() as session:
        audit.record(session, home.owner_id, BEAT, "drill", AFTERWARDS)
        for table in tables:
            if table not in needed:
                session.execute(delete(table).where(table.c[key_of(table)] % 2 == 0))
    for stored in list(home.storage.list_files())[::2]:
        home.storage.delete(stored.key)
    home.storage.put(f"uploads/{FOLDER}", b"after the backup")


def _beats_of(home: Home) -> set[int]:
    """The numbers of the writes that are there."""
    query = select(AuditEvent.object_id).where(AuditEvent.action == BEAT)
    with home.database.read() as session:
        return {int(number) for number in session.scalars(query)}
