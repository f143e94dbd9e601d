"""Names and retention."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deepmed.core.backups.errors import BackupRefusedError
from deepmed.core.backups.folder import BackupFolder
from deepmed.core.backups.names import check_ending, check_name, name_of
from deepmed.core.backups.service import BackupService
from deepmed.kit import clock
from deepmed.kit.errors import NotFoundError

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def lay(folder: BackupFolder, moment: datetime) -> str:
    folder.root.mkdir(exist_ok=True)
    name = name_of("full", moment, sealed=False)
    (folder.root / name).write_bytes(b"a backup")
    return name


def test_names_are_those_of_the_contract() -> None:
    assert name_of("full", MOMENT, sealed=False) == "full_backup_20260203_040506.zip"
    assert name_of("database", MOMENT, sealed=True) == "db_backup_20260203_040506.zip.enc"
    assert check_name("full_backup_20260203_040506") == "full_backup_20260203_040506.zip"


@pytest.mark.req("S-16.1")
@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../deepmed",
        "/etc/passwd",
        "full_backup_20260203_040506.zip/../../deepmed.zip",
        "full_backup_20260203_040506.zip\0",
        "full_backup_20260203_040506.zip\n",
        "full_backup_20260203_040506.tar",
        ".lock",
    ],
)
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        BackupFolder(tmp_path).find(name)


@pytest.mark.req("S-16.2")
@pytest.mark.parametrize("name", ["x.db", "db_backup_20260203_040506.db", "X.SQLITE"])
def test_a_bare_database_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    for ask in (BackupFolder(tmp_path).find, check_ending):
        with pytest.raises(BackupRefusedError, match="bare database"):
            ask(name)


def test_only_backups_are_listed_and_newest_first(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "backups")
    assert folder.list() == []
    names = [lay(folder, MOMENT + timedelta(days=day)) for day in range(3)]
    (folder.root / "notes.txt").write_text("mine", encoding="utf-8")
    (folder.root / "full_backup_99999999_999999.zip").write_bytes(b"")
    assert [file.name for file in folder.list()] == names[::-1]


def test_a_link_is_no_way_out(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "backups")
    folder.root.mkdir()
    (tmp_path / "secret").write_text("a secret that is longer", encoding="utf-8")
    name = name_of("full", MOMENT, sealed=False)
    (folder.root / name).symlink_to(tmp_path / "secret")
    with pytest.raises(NotFoundError):
        folder.find(name)


@pytest.mark.req("D-21.1")
def test_ten_newest_and_thirty_days_are_kept(service: BackupService) -> None:
    now = clock.now()
    young = [lay(service.folder, now - timedelta(hours=hour)) for hour in range(12)]
    assert [file.name for file in service.cleanup()] == young[10:]
    old = lay(service.folder, now - timedelta(days=30, minutes=1))
    just = lay(service.folder, now - timedelta(days=29, hours=23))
    for name in young[1:9]:
        service.delete(name)
    assert [file.name for file in service.cleanup()] == [old]
    assert [file.name for file in service.list()] == [young[0], young[9], just]


def test_the_last_backup_stays_however_old_it_is(service: BackupService) -> None:
    names = [lay(service.folder, clock.now() - timedelta(days=days)) for days in (90, 91)]
    assert [file.name for file in service.cleanup()] == names[1:]
    assert service.cleanup() == []
