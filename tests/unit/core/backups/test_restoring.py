"""Going back to a backup: all of it, or nothing."""

import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deepmed.core.audit.repository import history
from deepmed.core.backups import applying, journal, restoring
from deepmed.core.backups.comparing import differences, state_of
from deepmed.core.backups.errors import BackupRefusedError
from deepmed.core.backups.manifest import Manifest
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.core.jobs.tables import Job
from deepmed.core.registry.keys import SigningKeys, open_keys
from deepmed.features.drawings.tables import Drawing
from deepmed.kit import clock
from deepmed.kit.database import migration, open_database
from deepmed.kit.errors import ConflictError, DeepMedError, NotFoundError
from factories.backups import add_drawing, delete_drawing, pictures

PASSPHRASE = "correct horse battery"  # noqa: S105 - of these tests


def job(home: Home, **facts: Any) -> int:
    values = {"kind": "test", "queue": "test", "title": "A job", "payload": {}, "max_attempts": 3}
    with home.database.write() as session:
        row = Job(owner_id=home.owner_id, **(values | facts))
        session.add(row)
        session.flush()
        return row.id


def running(home: Home, lease: timedelta) -> int:
    until = clock.now() + lease
    return job(home, state="running", token="t" * 32, attempt=1, lease_until=until)


def write_on(home: Home, first: int) -> None:
    """What comes after a backup: one goes, one changes, one comes."""
    delete_drawing(home, first)
    with home.database.write() as session:
        session.get_one(Drawing, first + 1).prompt = "another one"
    add_drawing(home)


@pytest.fixture
def filled(opened: Home) -> Home:
    """Three drawings; the first is a copy of the last, so rows refer to later ones."""
    first, _, last = [add_drawing(opened) for _ in range(3)]
    with opened.database.write() as session:
        session.get_one(Drawing, first).duplicate_of = last
    return opened


@pytest.mark.req("D-21.1", "O-7.1")
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_everything_is_as_it_was(filled: Home, passphrase: str | None) -> None:
    service = BackupService(filled, passphrase)
    before, files = state_of(filled), pictures(filled)
    made = service.create_full_backup()
    write_on(filled, 1)
    assert differences(before, state_of(filled, before))
    done = service.restore(made.file.path)
    assert differences(before, state_of(filled, before)) == []
    assert pictures(filled) == files
    assert (done.files_written, done.files_deleted, done.kind) == (1, 1, "full")
    assert {stored.key for stored in filled.storage.list_files("uploads")} == set(files)
    assert not (service.folder.root / ".restore.json").exists()


@pytest.mark.req("D-21.1")
def test_the_state_before_is_kept_and_can_be_gone_back_to(
    filled: Home, service: BackupService
) -> None:
    made = service.create_full_backup()
    write_on(filled, 1)
    before, files = state_of(filled), pictures(filled)
    done = service.restore(made.file.path)
    assert done.safety_backup is not None
    again = service.restore(service.find(done.safety_backup).path)
    assert again.safety_backup != done.safety_backup
    assert differences(before, state_of(filled, before)) == []
    assert pictures(filled) == files


def test_who_restored_what_is_written_in_the_restored_trail(
    filled: Home, service: BackupService
) -> None:
    made = service.create_full_backup()
    done = service.restore(made.file.path)
    with filled.database.read() as session:
        newest = history(session, filled.owner_id)[0]
    assert newest.action == "backup.restore"
    told = {"backup": made.file.name, "safety_backup": done.safety_backup}
    assert newest.details == told


def test_no_id_is_given_twice(filled: Home, service: BackupService) -> None:
    made = service.create_full_backup()
    later = add_drawing(filled)
    service.restore(made.file.path)
    assert add_drawing(filled) == later + 1


def test_not_even_in_another_installation(
    filled: Home, service: BackupService, second: BackupService
) -> None:
    doomed = add_drawing(filled)
    delete_drawing(filled, doomed)
    made = service.create_full_backup()
    key = open_keys(filled.settings.home / "keys").public_key
    BackupService(second.home, None, [key]).restore(made.file.path)
    assert add_drawing(second.home) == doomed + 1


@pytest.mark.req("D-21.1")
def test_a_damaged_file_in_the_store_is_made_good(filled: Home, service: BackupService) -> None:
    files = pictures(filled)
    made = service.create_full_backup()
    damaged, lost, *_ = files
    filled.storage.put(damaged, b"damaged")
    filled.storage.delete(lost)
    done = service.restore(made.file.path)
    assert done.files_written == 2
    assert pictures(filled) == files
    assert list(filled.storage.list_files("restoring")) == []


def test_a_database_alone_leaves_the_files(filled: Home, service: BackupService) -> None:
    made = service.create_database_backup()
    files = pictures(filled)
    add_drawing(filled)
    done = service.restore(made.file.path)
    assert (done.kind, done.files_deleted) == ("database", 0)
    assert str(done.safety_backup).startswith("db_backup_")
    assert pictures(filled) == files


def test_a_database_alone_is_refused_where_its_files_are_gone(
    filled: Home, service: BackupService
) -> None:
    made = service.create_database_backup()
    delete_drawing(filled, 1)
    before = state_of(filled)
    with pytest.raises(ConflictError, match="1 files that it names are gone"):
        service.restore(made.file.path)
    assert differences(before, state_of(filled, before)) == []


@pytest.mark.req("D-21.1")
def test_nothing_is_restored_while_a_job_runs(filled: Home, service: BackupService) -> None:
    made = service.create_full_backup()
    running(filled, timedelta(minutes=1))
    before = state_of(filled)
    with pytest.raises(ConflictError, match="1 jobs are running"):
        service.restore(made.file.path)
    assert differences(before, state_of(filled, before)) == []
    assert len(service.list()) == 1, "not even a safety backup was made"


def test_a_job_that_begins_while_files_come_in_stops_it(
    filled: Home, service: BackupService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service.create_full_backup()
    write_on(filled, 1)
    before, files = state_of(filled), pictures(filled)
    real = applying.replace_rows

    def late(*arguments: Any) -> None:
        running(filled, timedelta(minutes=1))
        real(*arguments)

    monkeypatch.setattr(restoring, "replace_rows", late)
    with pytest.raises(ConflictError, match="running"):
        service.restore(made.file.path)
    with filled.database.write() as session:
        session.execute(text("DELETE FROM jobs"))
    assert differences(before, state_of(filled, before)) == []
    assert {stored.key for stored in filled.storage.list_files()} == set(files)


def test_a_job_whose_worker_died_keeps_nobody_from_it(filled: Home, service: BackupService) -> None:
    made = service.create_full_backup()
    running(filled, timedelta(minutes=-1))
    assert service.restore(made.file.path).jobs_cancelled == 0


def test_jobs_of_then_do_not_begin_anew(filled: Home, service: BackupService) -> None:
    queued, dead = job(filled), running(filled, timedelta(minutes=-1))
    made = service.create_full_backup()
    assert service.restore(made.file.path).jobs_cancelled == 2
    with filled.database.read() as session:
        states = {number: session.get_one(Job, number).state for number in (queued, dead)}
    assert set(states.values()) == {"cancelled"}


@pytest.mark.req("D-21.1")
def test_an_error_on_the_way_leaves_everything_as_it_was(
    filled: Home, service: BackupService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service.create_full_backup()
    write_on(filled, 1)
    before, files = state_of(filled), pictures(filled)

    def fail(*_: Any) -> None:
        raise RuntimeError("in the middle of the transaction")

    for place in ("_copy", "_empty", "_raise_ids"):
        with monkeypatch.context() as patch:
            patch.setattr(applying, place, fail)
            with pytest.raises(RuntimeError):
                service.restore(made.file.path)
        assert differences(before, state_of(filled, before)) == []
        assert {stored.key for stored in filled.storage.list_files()} == set(files)
    assert not (service.folder.root / ".restore.json").exists()


@pytest.mark.req("S-16.2")
def test_a_foreign_or_damaged_backup_changes_nothing(
    filled: Home, service: BackupService, second: BackupService, tmp_path: Path
) -> None:
    foreign = second.create_full_backup().file.path
    own = service.create_full_backup().file.path
    damaged = tmp_path / "damaged.zip"
    content = bytearray(own.read_bytes())
    content[content.index(b"uploads/drawings") + 200] ^= 1
    damaged.write_bytes(content)
    before, count = state_of(filled), len(service.list())
    for path in (foreign, damaged):
        with pytest.raises(BackupRefusedError):
            service.restore(path)
    assert differences(before, state_of(filled, before)) == []
    assert len(service.list()) == count


def signed_again(path: Path, keys: SigningKeys, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same backup with another, rightly signed table of contents."""
    other = path.with_name("full_backup_20200101_000000.zip")
    with zipfile.ZipFile(path) as packed, zipfile.ZipFile(other, "w") as target:
        fields = json.loads(packed.read("manifest.json"))
        change(fields)
        manifest = Manifest.model_validate(fields).to_bytes()
        for name in packed.namelist():
            if not name.startswith("manifest"):
                target.writestr(name, packed.read(name))
        target.writestr("manifest.json", manifest)
        target.writestr("manifest.sig", keys.sign(manifest))
    return other


@pytest.mark.req("D-21.1")
def test_a_newer_versions_backup_is_refused(filled: Home, service: BackupService) -> None:
    made = service.create_full_backup()
    keys = open_keys(filled.settings.home / "keys")
    newer = signed_again(made.file.path, keys, lambda fields: fields.update(revision="9999"))
    before = state_of(filled)
    with pytest.raises(ConflictError, match="newer version"):
        service.restore(newer)
    assert differences(before, state_of(filled, before)) == []


@pytest.mark.req("D-21.1", "S-16.2")
def test_an_older_versions_backup_is_brought_up_to_date(
    filled: Home, service: BackupService, tmp_path: Path
) -> None:
    """A backup as a version would have made it that knew the first four steps alone."""
    made = service.create_full_backup()
    old = tmp_path / "old"
    shutil.copytree(service.folder.root, old)
    with zipfile.ZipFile(made.file.path) as packed:
        packed.extract("database.db", old)
    database = open_database(f"sqlite:///{old / 'database.db'}")
    migration.downgrade(database, "0004", lock_folder=old)
    database.close()
    content = (old / "database.db").read_bytes()
    keys = open_keys(filled.settings.home / "keys")

    def older(fields: dict[str, Any]) -> None:
        from hashlib import sha256

        fields.update(revision="0004", database_sha256=sha256(content).hexdigest())

    path = signed_again(made.file.path, keys, older)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, told in (parts | {"database.db": content}).items():
            target.writestr(name, told)
    files = pictures(filled)
    add_drawing(filled)
    assert service.verify(path).files == 3
    service.restore(path)
    assert pictures(filled) == files
    assert migration.check(filled.database) == []


@pytest.mark.req("O-7.1")
def test_a_lost_machine_comes_back_with_its_key(filled: Home, second: BackupService) -> None:
    before, files = state_of(filled), pictures(filled)
    made = BackupService(filled, PASSPHRASE).create_full_backup()
    new = BackupService(second.home, PASSPHRASE)
    with pytest.raises(BackupRefusedError, match="not signed by this installation"):
        new.restore(made.file.path)
    fingerprint = new.adopt_keys(made.file.path)
    assert fingerprint == open_keys(filled.settings.home / "keys").fingerprint
    new.restore(made.file.path)
    assert differences(before, state_of(second.home, before)) == []
    assert pictures(second.home) == files


def test_a_key_comes_from_encrypted_backups_alone(
    filled: Home, service: BackupService, second: BackupService
) -> None:
    made = service.create_full_backup()
    own = open_keys(second.home.settings.home / "keys").fingerprint
    with pytest.raises(BackupRefusedError):
        second.adopt_keys(made.file.path)
    trusting = BackupService(
        second.home, None, [open_keys(filled.settings.home / "keys").public_key]
    )
    with pytest.raises(BackupRefusedError, match="no signing key"):
        trusting.adopt_keys(made.file.path)
    assert open_keys(second.home.settings.home / "keys").fingerprint == own


def test_a_key_is_not_replaced_where_something_was_signed(
    filled: Home, second: BackupService
) -> None:
    made = BackupService(filled, PASSPHRASE).create_full_backup()
    with second.home.database.write() as session:
        session.execute(
            text(
                "INSERT INTO artifacts (uid, kind, stage, recipe_hash, revision, manifest_hash, "
                "lineage, metrics, created_at, owner_id) VALUES "
                "('u', 'k', 'candidate', 'r', 1, 'm', '{}', '{}', '2026-01-01', 1)"
            )
        )
    with pytest.raises(ConflictError, match="signed models"):
        BackupService(second.home, PASSPHRASE).adopt_keys(made.file.path)


class TestAfterAKill:
    """Between the commit and the last file, at the next start."""

    def left(self, home: Home, service: BackupService, *, committed: bool) -> journal.Journal:
        key, gone, *_ = pictures(home)
        home.storage.put("restoring/x/0", b"then")
        found = journal.Journal("x" * 32, {key: "restoring/x/0"}, [gone, "uploads/left.png"])
        home.storage.put("uploads/left.png", b"only of before")
        found.write(service.folder.root)
        if committed:
            with home.database.write() as session:
                restoring._record(session, home.owner_id, found.uid, "a backup", None)
        return found

    @pytest.mark.req("D-21.1")
    @pytest.mark.parametrize("committed", [True, False])
    def test_files_follow_the_rows(
        self, filled: Home, service: BackupService, *, committed: bool
    ) -> None:
        (service.folder.root).mkdir()
        before = pictures(filled)
        found = self.left(filled, service, committed=committed)
        journal.complete_alone(filled.database, filled.storage, service.folder.root)
        (key,) = found.replaced
        assert pictures(filled) == (before | {key: b"then"} if committed else before)
        assert filled.storage.exists("uploads/left.png") is not committed
        assert not filled.storage.exists("restoring/x/0")
        assert not (service.folder.root / ".restore.json").exists()

    def test_one_that_is_under_way_is_left_alone(
        self, filled: Home, service: BackupService
    ) -> None:
        with service.folder.work():
            self.left(filled, service, committed=False)
            journal.complete_alone(filled.database, filled.storage, service.folder.root)
            assert filled.storage.exists("restoring/x/0")


def test_a_missing_backup_is_told(service: BackupService) -> None:
    with pytest.raises(NotFoundError):
        service.find("full_backup_20260101_000000.zip")
    with pytest.raises(DeepMedError, match="bare database"):
        service.find("db_backup_20260101_000000.db")
