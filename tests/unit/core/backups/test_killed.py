"""Killed for real, at the worst moments: the next start finds the old state or the new one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepmed.app import open_home
from deepmed.core.backups.comparing import differences, state_of
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from factories.backups import add_drawing, delete_drawing, pictures

PROGRAM = """
import os, signal, sys
from pathlib import Path
from deepmed.app import open_home
from deepmed.core.backups import applying, archive, journal, restoring
from deepmed.core.backups.service import BackupService

def die(*_given, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

place, path = sys.argv[1], Path(sys.argv[2])
if place == "archive":
    archive.ArchiveWriter.sign = die
if place == "files":
    real = restoring._Files._bring
    def bring(self, key, expected):
        real(self, key, expected)
        if self._added:
            die()
    restoring._Files._bring = bring
if place == "rows":
    applying._raise_ids = die
if place == "committed":
    journal.Journal.finish = die
with open_home() as home:
    service = BackupService.of(home)
    if place == "archive":
        service.create_full_backup()
    service.restore(path, with_safety=False)
"""


@pytest.fixture
def filled(home: Path, _migrated: Path) -> Iterator[Home]:
    with open_home() as opened:
        for _ in range(3):
            add_drawing(opened)
        yield opened


def killed(place: str, path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, place, str(path)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9


@pytest.mark.req("D-21.1")
def test_a_killed_backup_is_none(filled: Home) -> None:
    service = BackupService.of(filled)
    killed("archive", Path("unused"))
    assert service.list() == []
    assert any((service.folder.root / ".work").rglob("*"))
    made = service.create_full_backup()
    assert service.verify(made.file.path).files == 3
    assert not (service.folder.root / ".work").exists()


@pytest.mark.req("D-21.1")
@pytest.mark.parametrize("place", ["files", "rows"])
def test_a_restore_that_is_killed_before_its_commit_changed_nothing(
    filled: Home, place: str
) -> None:
    service = BackupService.of(filled)
    made = service.create_full_backup()
    delete_drawing(filled, 1)
    add_drawing(filled)
    before, files = state_of(filled), pictures(filled)
    killed(place, made.file.path)
    with open_home() as again:
        assert differences(before, state_of(again, before)) == []
        assert pictures(again) == files
    service.restore(made.file.path)
    assert len(pictures(filled)) == 3


@pytest.mark.req("D-21.1")
def test_a_restore_that_is_killed_after_its_commit_is_completed_by_the_next_start(
    filled: Home,
) -> None:
    service = BackupService.of(filled)
    damaged = next(iter(pictures(filled)))
    before, files = state_of(filled), pictures(filled)
    made = service.create_full_backup()
    filled.storage.put(damaged, b"other content")
    add_drawing(filled)
    killed("committed", made.file.path)
    with open_home() as again:
        assert differences(before, state_of(again, before)) == []
        assert pictures(again) == files
        assert {stored.key for stored in again.storage.list_files()} == set(files)
