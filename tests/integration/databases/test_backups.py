"""Backups on each engine, from one engine to another, and with files in a bucket."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from deepmed.app import open_home
from deepmed.core.audit.repository import record
from deepmed.core.audit.tables import AuditEvent
from deepmed.core.backups import applying, maintenance
from deepmed.core.backups.comparing import State, differences, state_of
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.core.jobs.tables import Job
from deepmed.core.registry.keys import open_keys
from deepmed.features.drawings.tables import Drawing
from deepmed.kit import settings as kit_settings
from deepmed.kit.settings import Settings
from factories.backups import ODD, add_drawing, busy, delete_drawing, pictures

NestedJson = {"text": ODD, "numbers": [1, 2.5, 1e-300, 0], "none": None, "\u6f22": {"deep": [True]}}


def fill(home: Home) -> Home:
    """Every kind of value that rows hold, and rows that refer to later ones."""
    first, _, last = [add_drawing(home, prompt=ODD) for _ in range(3)]
    with home.database.write() as session:
        session.get_one(Drawing, first).duplicate_of = last
        session.get_one(Drawing, last).age_years = 1 / 3 + 2
        session.get_one(Drawing, last).upload_timestamp = datetime(
            2026, 2, 3, 4, 5, 6, 123456, tzinfo=UTC
        )
        record(session, home.owner_id, "test", "test", 1, **NestedJson)
        empty = Job(owner_id=home.owner_id, kind="k", queue="q", title=ODD, payload={})
        empty.max_attempts, empty.state = 1, "failed"
        session.add(empty)
    return home


@pytest.fixture
def opened(any_settings: Settings) -> Iterator[Home]:
    with open_home(any_settings) as home:
        yield fill(home)


@pytest.fixture
def other(tmp_path: Path, new_database: Callable[..., str]) -> Iterator[Callable[[str], Home]]:
    """An empty installation on the engine of that name."""
    made: list[Home] = []

    def new(engine: str) -> Home:
        url = new_database(engine, migrated=False)
        made.append(open_home(kit_settings.load(home=tmp_path / "other", database_url=url)))
        return made[-1]

    yield new
    for home in made:
        home.close()


def same(home: Home, before: State) -> bool:
    return differences(before, state_of(home, before)) == []


@pytest.mark.req("D-21.1", "O-7.1")
def test_everything_comes_back_on_each_engine(opened: Home, engine_name: str) -> None:
    service = BackupService.of(opened)
    before, files = state_of(opened), pictures(opened)
    made = service.create_full_backup()
    assert made.manifest.database == ("sqlite" if engine_name == "sqlite" else "lines")
    compared = sum(table.rows for table in before.tables.values())
    assert service.verify(made.file.path).rows == compared + 1, "and the name of the state"
    delete_drawing(opened, 2)
    later = add_drawing(opened)
    assert not same(opened, before)
    service.restore(made.file.path)
    assert same(opened, before)
    assert pictures(opened) == files
    assert add_drawing(opened) > later, "no id is given twice"


@pytest.mark.req("D-21.1")
def test_others_see_the_old_state_until_the_new_one_is_whole(opened: Home) -> None:
    service = BackupService.of(opened)
    made = service.create_full_backup()
    add_drawing(opened)
    seen: list[int] = []
    real = applying._copy

    def look(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]  # what the real one was given
        with opened.database.read() as session:
            seen.append(len(session.query(Drawing).all()))

    applying._copy = look
    try:
        service.restore(made.file.path)
    finally:
        applying._copy = real
    assert set(seen) == {4}
    assert len(pictures(opened)) == 3


@pytest.mark.req("D-21.1")
@pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])
def test_a_servers_backup_is_one_state_while_others_write(opened: Home) -> None:
    service = BackupService.of(opened)
    with busy(opened) as deeds:
        before = len(deeds)
        made = [service.create_full_backup() for _ in range(2)]
        assert len(deeds) > before
    for one in made:
        assert one.manifest.lost_files == 0
        assert one.manifest.files == one.manifest.tables["drawings"].rows
        assert service.verify(one.file.path).files == one.manifest.files


@pytest.mark.req("D-21.1")
@pytest.mark.parametrize(
    ("engine_name", "target"),
    [("postgresql", "sqlite"), ("sqlite", "mysql"), ("mysql", "postgresql")],
)
def test_a_backup_goes_into_an_empty_database_of_another_engine(
    opened: Home, other: Callable[[str], Home], target: str
) -> None:
    before, files = state_of(opened), pictures(opened)
    made = BackupService.of(opened).create_full_backup()
    key = open_keys(opened.settings.home / "keys").public_key
    new = other(target)
    BackupService(new, None, [key]).restore(made.file.path)
    assert same(new, before)
    assert pictures(new) == files
    assert add_drawing(new) == 4
    with new.database.read() as session:
        assert session.query(AuditEvent).filter_by(action="test").one().details == NestedJson


@pytest.mark.req("D-21.1")
@pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])
def test_a_restore_that_is_killed_leaves_a_server_as_it_was(opened: Home) -> None:
    service = BackupService.of(opened)
    made = service.create_full_backup()
    add_drawing(opened)
    before, files = state_of(opened), pictures(opened)
    program = (
        "import os, signal, sys\n"
        "from deepmed.app import open_home\n"
        "from deepmed.core.backups import applying\n"
        "from deepmed.core.backups.service import BackupService\n"
        "from pathlib import Path\n"
        "applying._raise_ids = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "applying.raise_last_id = applying._raise_ids\n"
        "real, count = applying._copy, []\n"
        "def copy(*given):\n"
        "    real(*given)\n"
        "    count.append(1)\n"
        "    if len(count) == 12: os.kill(os.getpid(), signal.SIGKILL)\n"
        "applying._copy = copy\n"
        "with open_home() as home:\n"
        "    BackupService.of(home).restore(Path(sys.argv[1]), with_safety=False)\n"
    )
    command = [sys.executable, "-c", program, str(made.file.path)]
    done = subprocess.run(command, check=False, timeout=120)
    assert done.returncode == -9
    assert same(opened, before)
    assert pictures(opened) == files
    service.restore(made.file.path)
    assert len(pictures(opened)) == 3


@pytest.mark.req("D-21.1")
def test_files_in_a_bucket_are_backed_up_and_come_back(
    home: Path, bucket: str, tmp_path: Path
) -> None:
    copies = f"{bucket}-copies"
    told = kit_settings.load(storage_url=bucket, backup_copy_url=copies)
    with open_home(told) as opened:
        fill(opened)
        service = BackupService.of(opened)
        before, files = state_of(opened), pictures(opened)
        made = service.create_full_backup()
        delete_drawing(opened, 2)
        add_drawing(opened)
        service.restore(made.file.path)
        assert same(opened, before)
        assert pictures(opened) == files
        assert len(list(opened.storage.list_files())) == 3
        from deepmed.kit.storage import FileStorageService

        copied = FileStorageService(copies).get(made.file.name)
        assert copied == made.file.path.read_bytes()


def test_the_whole_database_is_checked(opened: Home) -> None:
    found = maintenance.check(opened)
    assert (found.errors, found.foreign_keys_enabled) == ([], True)
    lost = next(opened.storage.list_files("uploads"))
    opened.storage.delete(lost.key)
    assert maintenance.check(opened).errors == ["1 files that rows name are not in the file store."]


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_rows_that_refer_to_nothing_are_found(opened: Home) -> None:
    with opened.database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("DELETE FROM drawing_children WHERE id = 1")
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    found = maintenance.check(opened)
    assert found.errors == ["1 rows of drawings refer by child_id to nothing."]


@pytest.mark.req("S-16.1")
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
@pytest.mark.parametrize("engine_name", ["sqlite", "mysql"])
def test_another_database_is_compared_by_its_settings_name(
    opened: Home, other: Callable[[str], Home], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = other(target)
    url = theirs.settings.resolved_database_url
    monkeypatch.setenv("DEEPMED_OTHER_DATABASE_URL", url)
    told = Home(kit_settings.load(), opened.database, opened.owner_id)
    assert maintenance.compare(told, maintenance.OTHER).differences == []
    with theirs.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE backup_schedules"))
        connection.execute(text("ALTER TABLE owners ADD COLUMN more INTEGER"))
    found = maintenance.compare(told, maintenance.OTHER)
    assert found.differences == [
        "Only this one has the table backup_schedules.",
        "Only the other has owners.more.",
    ]
