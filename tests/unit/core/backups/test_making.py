"""A backup is one state, whoever writes meanwhile."""

import json
import sqlite3
import threading
import tracemalloc
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from deepmed.core.audit.repository import history
from deepmed.core.backups import gathering, making, sealing
from deepmed.core.backups.errors import BackupBusyError, BackupRefusedError, PassphraseError
from deepmed.core.backups.owned_files import named_keys
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.core.registry.keys import open_keys
from deepmed.kit import settings as kit_settings
from deepmed.kit.errors import StorageError
from deepmed.kit.storage import FileStorageService
from factories.backups import add_drawing, busy, delete_drawing, row

PASSPHRASE = "correct horse battery"  # noqa: S105 - of these tests


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as packed:
        return set(packed.namelist())


def rows(path: Path, folder: Path, query: str) -> list[str]:
    """From the database within the backup, read by SQLite alone."""
    with zipfile.ZipFile(path) as packed:
        packed.extract("database.db", folder)
    with closing(sqlite3.connect(folder / "database.db")) as database:
        return [found[0] for found in database.execute(query)]


@pytest.mark.req("D-21.1")
def test_every_file_that_the_rows_of_the_moment_name_is_in_it_and_no_other(
    opened: Home, service: BackupService, tmp_path: Path
) -> None:
    for _ in range(40):
        add_drawing(opened)
    opened.storage.put("uploads/drawings/orphan.png", b"no row names it")
    with busy(opened) as deeds:
        for _ in range(4):
            before = len(deeds)
            made = service.create_full_backup()
            named = rows(made.file.path, tmp_path, "SELECT file_path FROM drawings")
            files = {name for name in names(made.file.path) if name.startswith("files/")}
            assert files == {f"files/{key}" for key in named}
            assert made.manifest.files == len(named) >= 40
            assert made.manifest.lost_files == 0
            assert len(deeds) > before, "others went on writing meanwhile"


@pytest.mark.req("D-21.1")
def test_a_file_that_goes_while_it_is_taken_leads_to_a_later_state(
    opened: Home, service: BackupService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed, *_ = [add_drawing(opened) for _ in range(3)]
    asked: list[int] = []

    def slow(session: Session, storage: FileStorageService) -> list[str]:
        keys = list(named_keys(session, storage))
        asked.append(len(keys))
        if len(asked) == 1:  # what was taken first was deleted before the state was held still
            delete_drawing(opened, doomed)
            fresh.append(add_drawing(opened))
        if len(asked) == 2:  # and what came since goes before its file is taken
            delete_drawing(opened, fresh[0])
        return keys

    fresh: list[int] = []
    monkeypatch.setattr(gathering, "named_keys", slow)
    made = service.create_full_backup()
    assert asked == [3, 3, 2]
    assert made.manifest.files == 2
    assert made.manifest.lost_files == 0
    named = rows(made.file.path, tmp_path, "SELECT file_path FROM drawings")
    assert {f"files/{key}" for key in named} <= names(made.file.path)


def test_a_file_that_was_lost_before_is_told_and_keeps_nobody_from_a_backup(
    opened: Home, service: BackupService
) -> None:
    add_drawing(opened)
    lost = next(opened.storage.list_files("uploads"))
    opened.storage.delete(lost.key)
    made = service.create_full_backup()
    assert (made.manifest.files, made.manifest.lost_files) == (0, 1)
    assert service.verify(made.file.path).lost_files == 1


@pytest.mark.req("D-21.1")
def test_nothing_of_what_was_deleted_is_left_in_its_free_pages(
    opened: Home, service: BackupService, tmp_path: Path
) -> None:
    doomed = add_drawing(opened, prompt="a canary that was deleted " * 400)
    delete_drawing(opened, doomed)
    made = service.create_database_backup()
    rows(made.file.path, tmp_path, "SELECT id FROM drawings")
    assert b"a canary that was deleted" not in (tmp_path / "database.db").read_bytes()


def test_a_database_backup_has_no_files(opened: Home, service: BackupService) -> None:
    add_drawing(opened)
    made = service.create_database_backup()
    assert not [name for name in names(made.file.path) if name.startswith("files/")]
    assert made.file.name.startswith("db_backup_")


@pytest.mark.req("S-10.1")
def test_a_plain_backup_holds_no_secret(
    home: Path, opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPMED_SECRET_KEY", "canary-of-the-sessions")
    monkeypatch.setenv("DEEPMED_OTHER_DATABASE_URL", "postgresql://a:canary-of-it@host/x")
    told = Home(kit_settings.load(), opened.database, opened.owner_id)
    made = BackupService(told).create_full_backup()
    assert "keys/signing.pub" in names(made.file.path)
    assert "keys/signing.key" not in names(made.file.path)
    with zipfile.ZipFile(made.file.path) as packed:
        whole = b"".join(packed.read(name) for name in packed.namelist())
        assert json.loads(packed.read("config.json"))["encoder"] == "hog-pyramid"
    assert b"canary" not in whole
    assert (home / "keys" / "signing.key").read_bytes() not in whole


@pytest.mark.req("D-21.1", "S-10.1")
def test_an_encrypted_backup_is_unreadable_and_holds_the_key(opened: Home, home: Path) -> None:
    add_drawing(opened, prompt="a canary in the clear")
    service = BackupService(opened, PASSPHRASE)
    made = service.create_full_backup()
    assert made.file.name.endswith(".zip.enc")
    content = made.file.path.read_bytes()
    assert content.startswith(sealing.MAGIC)
    for plain in (b"canary", b"PK\x03\x04", b"manifest", b"uploads", PASSPHRASE.encode()):
        assert plain not in content
    with service.opened(made.file.path) as backup:
        assert backup.private_key() == (home / "keys" / "signing.key").read_bytes()
    assert service.verify(made.file.path).files == 1
    with pytest.raises(PassphraseError, match="encrypted"):
        BackupService(opened).verify(made.file.path)


@pytest.mark.req("S-10.1")
def test_the_passphrase_comes_from_the_settings_or_a_file(
    opened: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PASSPHRASE", PASSPHRASE), ("KEY_FILE", str(tmp_path / "key"))):
        (tmp_path / "key").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setenv(f"DEEPMED_BACKUP_{name}", value)
            told = Home(kit_settings.load(), opened.database, opened.owner_id)
            assert BackupService.of(told).passphrase == PASSPHRASE
            assert PASSPHRASE not in repr(told.settings)


def test_its_files_are_for_their_user_alone(opened: Home, service: BackupService) -> None:
    made = service.create_full_backup()
    assert made.file.path.stat().st_mode & 0o777 == 0o600
    assert made.file.path.parent.stat().st_mode & 0o777 == 0o700


def test_only_one_is_made_at_a_time(opened: Home, service: BackupService) -> None:
    entered, enough, busy_errors = threading.Event(), threading.Event(), []

    def hold() -> None:
        with service.folder.work():
            entered.set()
            enough.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(20)
    for deed in (service.create_full_backup, service.create_database_backup):
        with pytest.raises(BackupBusyError) as told:
            deed()
        busy_errors.append(told.value.status)
    enough.set()
    holder.join()
    assert busy_errors == [409, 409]
    assert service.create_full_backup().file.size > 0


def test_a_backup_that_would_fill_the_disk_is_not_begun(
    service: BackupService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "estimate", lambda *_: 1 << 60)
    with pytest.raises(StorageError, match="GiB are free"):
        service.create_full_backup()
    assert service.list() == []


def test_what_a_killed_backup_left_goes_with_the_next(service: BackupService) -> None:
    left = service.folder.root / ".work" / "killed" / "database.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a database")
    service.create_database_backup()
    assert not (service.folder.root / ".work").exists()


def test_what_was_done_is_written_down(opened: Home, service: BackupService) -> None:
    made = service.create_full_backup()
    service.record_download(made.file)
    service.delete(made.file.name)
    with opened.database.read() as session:
        told = [event.action for event in history(session, opened.owner_id)]
    assert told == ["backup.delete", "backup.download", "backup.create"]


@pytest.mark.req("D-21.1")
def test_a_large_store_takes_little_memory(opened: Home, service: BackupService) -> None:
    for number in range(3):
        key = f"uploads/drawings/{number}.png"
        opened.storage.put(key, iter([bytes(1 << 20)] * 24))
        with opened.database.write() as session:
            row(session, opened.owner_id, key)
    service.create_database_backup()  # what is loaded once counts for nothing
    tracemalloc.start()
    made = BackupService(opened, PASSPHRASE).create_full_backup()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.file.size > 72 << 20
    assert peak < 12 << 20


def test_a_file_is_kept_as_it_was_while_the_store_goes_on(opened: Home, tmp_path: Path) -> None:
    opened.storage.put("a/b.png", b"then")
    opened.storage.save("a/b.png", tmp_path / "x" / "b.png")
    opened.storage.put("a/b.png", b"now")
    assert (tmp_path / "x" / "b.png").read_bytes() == b"then"
    opened.storage.delete("a/b.png")
    assert (tmp_path / "x" / "b.png").read_bytes() == b"then"


@pytest.mark.req("D-21.1")
@pytest.mark.parametrize(
    "part", ["manifest.json", "manifest.sig", "database.db", "files.jsonl", "config.json", "files/"]
)
def test_verifying_finds_a_changed_byte_in_any_part(
    opened: Home, service: BackupService, tmp_path: Path, part: str
) -> None:
    add_drawing(opened)
    made = service.create_full_backup()
    with zipfile.ZipFile(made.file.path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = next(name for name in parts if name.startswith(part))
    middle = len(parts[name]) // 2
    parts[name] = (
        parts[name][:middle] + bytes([parts[name][middle] ^ 1]) + parts[name][middle + 1 :]
    )
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(changed, "w") as packed:
        for each, told in parts.items():
            packed.writestr(each, told)
    assert service.verify(made.file.path).files == 1
    with pytest.raises(BackupRefusedError):
        service.verify(changed)


def test_verifying_finds_what_is_too_much_or_missing(
    opened: Home, service: BackupService, tmp_path: Path
) -> None:
    add_drawing(opened)
    made = service.create_full_backup()
    for name, drop in (("more", None), ("fewer", "config.json")):
        other = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(made.file.path) as packed, zipfile.ZipFile(other, "w") as target:
            for each in packed.namelist():
                if each != drop:
                    target.writestr(each, packed.read(each))
            if drop is None:
                target.writestr("files/../../evil.sh", b"#!/bin/sh")
        with pytest.raises(BackupRefusedError):
            service.verify(other)


def test_a_file_that_is_cut_off_or_none_is_refused(service: BackupService, tmp_path: Path) -> None:
    made = service.create_full_backup()
    content = made.file.path.read_bytes()
    for broken in (content[:-100], content[: len(content) // 2], b"", b"PK", b"x" * 5000):
        (tmp_path / "broken.zip").write_bytes(broken)
        with pytest.raises(BackupRefusedError):
            service.verify(tmp_path / "broken.zip")


@pytest.mark.req("S-16.2")
def test_who_signed_it_counts(opened: Home, service: BackupService, second: BackupService) -> None:
    made = service.create_full_backup()
    with pytest.raises(BackupRefusedError, match="not signed by this installation"):
        second.verify(made.file.path)
    key = open_keys(opened.settings.home / "keys").public_key
    assert BackupService(second.home, None, [key]).verify(made.file.path).files == 0
