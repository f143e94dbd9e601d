"""The steps and the tables that they make, on each engine for real."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from deepmed.kit.database import Database, migration, open_database, steps
from deepmed.kit.errors import DeepMedError, ResourceError
from deepmed.migrations.models import metadata

pytestmark = pytest.mark.req("P-4.1")


def tables(database: Database) -> set[str]:
    with database.read() as session:
        return set(inspect(session.connection()).get_table_names())


def test_up_down_to_nothing_and_up_again(empty_database_url: str) -> None:
    database = open_database(empty_database_url)
    assert migration.check(database)[0].startswith("The database is at step none")
    migration.upgrade(database)
    assert tables(database) == {*metadata().tables, "alembic_version"}
    assert migration.check(database) == []
    migration.downgrade(database)
    assert tables(database) == {"alembic_version"}
    migration.upgrade(database)
    assert migration.check(database) == []
    database.close()


def test_drift_is_found(any_database: Database, engine_name: str) -> None:
    changes = {
        "nickname": "ALTER TABLE owners ADD COLUMN nickname VARCHAR(10)",
        "ix_spare": "CREATE INDEX ix_spare ON audit_events (action)",
        "stray": "CREATE TABLE stray (id INTEGER)",
    }
    if engine_name != "sqlite":  # which cannot change a table so
        changes |= {
            "one_rule": "ALTER TABLE threshold_settings DROP CONSTRAINT"
            " ck_threshold_settings_one_rule",
            "ink_coverage": "ALTER TABLE drawings DROP COLUMN ink_coverage",
        }
    with any_database.write() as session:
        for statement in changes.values():
            session.execute(text(statement))
    found = "\n".join(migration.check(any_database))
    for word in changes:
        assert word in found


def test_a_failing_step_says_what_became_of_it(
    empty_database_url: str, engine_name: str, request: pytest.FixtureRequest
) -> None:
    """PostgreSQL and SQLite undo it; MySQL cannot, and then a person must be told."""
    database = open_database(empty_database_url)
    request.addfinalizer(database.close)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE drawings (id INTEGER)")
    with pytest.raises(DeepMedError) as caught:
        migration.upgrade(database)
    assert "drawings" in caught.value.message
    if engine_name == "mysql":
        assert "cannot undo half a step" in caught.value.message
    else:
        assert tables(database) <= {"drawings", "alembic_version"}
        with database.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE drawings")
        migration.upgrade(database)
        assert migration.check(database) == []


TOGETHER = """
import sys
from pathlib import Path
from deepmed.kit.database import open_database
from deepmed.kit.database.migration import upgrade
database = open_database(sys.argv[1])
upgrade(database, lock_folder=Path(sys.argv[2]))
database.close()
"""


@pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])
def test_machines_that_start_at_once_do_not_collide(
    empty_database_url: str, tmp_path: Path
) -> None:
    """Each has a data folder of its own, so that only the server can keep them apart."""
    commands = []
    for machine in ("first", "second"):
        (tmp_path / machine).mkdir()
        folder = str(tmp_path / machine)
        commands.append([sys.executable, "-c", TOGETHER, empty_database_url, folder])
    running = [subprocess.Popen(each, stderr=subprocess.PIPE, text=True) for each in commands]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], errors
    database = open_database(empty_database_url)
    assert migration.check(database) == []
    database.close()


@pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])
def test_a_machine_that_migrates_for_too_long_is_told(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOCK_TIMEOUT_SECONDS", 1)
    (tmp_path / "other").mkdir()
    database = open_database(empty_database_url)
    with (
        steps.locked(database, tmp_path / "other"),
        pytest.raises(ResourceError, match="Another machine"),
    ):
        migration.upgrade(database, lock_folder=tmp_path)
    migration.upgrade(database, lock_folder=tmp_path)
    database.close()
