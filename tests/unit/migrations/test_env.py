"""The next step is written by Alembic, and must look as the house wants it."""

import os
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from deepmed.kit.database import Database, migration, open_database


@pytest.fixture
def config(home: Path, tmp_path: Path) -> Config:
    written = tmp_path / "versions"
    written.mkdir()
    known = str(files("deepmed.migrations.versions"))
    made = Config()
    made.set_main_option("script_location", "deepmed:migrations")
    made.set_main_option("path_separator", "os")
    made.set_main_option("version_locations", os.pathsep.join((known, str(written))))
    return made


@pytest.fixture
def migrated(home: Path) -> Database:
    database = open_database(f"sqlite:///{home}/deepmed.db")
    migration.upgrade(database)
    return database


def write_step(config: Config, tmp_path: Path) -> list[str]:
    folder = tmp_path / "versions"
    command.revision(config, "next", autogenerate=True, rev_id="9999", version_path=str(folder))
    return [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]


def test_nothing_to_do_writes_nothing(migrated: Database, config: Config, tmp_path: Path) -> None:
    assert write_step(config, tmp_path) == []
    migrated.close()


def test_a_missing_table_is_written_with_our_types_and_every_engines_options(
    migrated: Database, config: Config, tmp_path: Path
) -> None:
    with migrated.write() as session:
        session.connection().exec_driver_sql("DROP TABLE audit_events")
    migrated.close()
    (step,) = write_step(config, tmp_path)
    assert "op.create_table('audit_events'" in step
    assert "from deepmed.kit.database import UtcDateTime" in step
    assert "sa.Column('at', UtcDateTime(), nullable=False)" in step
    for option in ("mysql_charset='utf8mb4'", "sqlite_autoincrement=True"):
        assert option in step
    assert f"down_revision = '{migration.revisions()[-1]}'" in step


def test_alembics_own_upgrade_uses_the_settings_database(home: Path, config: Config) -> None:
    command.upgrade(config, "head")
    database = open_database(f"sqlite:///{home}/deepmed.db")
    assert migration.check(database) == []
    database.close()
