"""The restore drill, right and wrong."""

import time
from typing import Any

import pytest

from deepmed.app.drill import run_drill
from deepmed.core.backups import making, restoring, snapshot
from deepmed.core.backups.comparing import differences, state_of
from deepmed.core.backups.service import BackupService
from deepmed.core.home import Home
from deepmed.kit import clock
from deepmed.kit.database import Database
from deepmed.kit.settings import Settings
from factories.backups import add_drawing


@pytest.fixture
def service(settings: Settings, database: Database, owner_id: int) -> BackupService:
    home = Home(settings, database, owner_id)
    for _ in range(6):
        add_drawing(home)
    return BackupService.of(home)


@pytest.mark.req("O-7.1")
def test_a_drill_measures_and_changes_nothing_here(service: BackupService) -> None:
    before = state_of(service.home)
    found = run_drill(service)
    assert found.ok, found.differences
    assert (found.files, found.writes_lost) == (6, 0)
    assert found.tables == len(before.tables)
    told = sum(table.rows for table in before.tables.values())
    assert found.rows == told + 1, "that the copy was restored is in its trail"
    assert found.backup_seconds > 0
    assert found.recovery_seconds > 0
    assert 0 <= found.recovery_point_seconds < 1
    assert found.writes_during > 0
    assert differences(before, state_of(service.home, before)) == []
    assert service.list() == []
    assert not (service.folder.root / ".drill").exists()


@pytest.mark.req("O-7.1")
def test_a_restore_that_brings_too_little_is_found_out(
    service: BackupService, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, times = restoring.replace_rows, []

    def forgetful(*given: Any) -> None:
        times.append(1)
        if len(times) > 1:  # the copy is made right, its own restore is not
            with given[0].write() as session:
                session.connection().exec_driver_sql("DELETE FROM drawing_embeddings WHERE id = 3")
        real(*given)

    monkeypatch.setattr(restoring, "replace_rows", forgetful)
    found = run_drill(service)
    assert not found.ok
    (told,) = found.differences
    assert told == "drawing_embeddings: 6 rows before, 5 after, with other contents."


@pytest.mark.req("O-7.1")
def test_a_backup_of_an_older_state_is_found_out(
    service: BackupService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if writes that were committed before the backup were not in it."""
    real = making.whole_state

    def stale(database: Database, *given: Any) -> Any:
        copy = snapshot.copy_sqlite

        def late(of: Database, target: Any) -> Any:
            copy(of, target)
            time.sleep(0.2)
            return clock.now()

        monkeypatch.setattr(snapshot, "copy_sqlite", late)
        return real(database, *given)

    monkeypatch.setattr(making, "whole_state", stale)
    found = run_drill(service)
    assert found.writes_lost > 0
    assert not found.ok
