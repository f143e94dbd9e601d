import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Index, MetaData, Table, UniqueConstraint, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from deepmed.core.accounts.tables import Owner
from deepmed.kit.database import Database, migration, open_database, steps
from deepmed.kit.errors import ConfigurationError, ConflictError, ResourceError, ValidationError
from deepmed.migrations.models import metadata

DIALECTS = {
    "sqlite": "sqlite://",
    "postgresql": "postgresql+psycopg://",
    "mysql": "mysql+pymysql://",
    "mariadb": "mariadb+pymysql://",
}
# InnoDB's longest key, with four bytes a character; PostgreSQL's longest name.
MYSQL_KEY_BYTES, CHARACTER_BYTES, LONGEST_NAME = 3072, 4, 63


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path}/deepmed.db")


def tables(database: Database) -> set[str]:
    with database.read() as session:
        return set(inspect(session.connection()).get_table_names())


def structure(database: Database) -> set[str]:
    """The names of tables, of their columns and of their indices."""
    with database.read() as session:
        found = inspect(session.connection())
        names = found.get_table_names()
        indices = {str(index["name"]) for table in names for index in found.get_indexes(table)}
        columns = {f"{table}.{one['name']}" for table in names for one in found.get_columns(table)}
        return {*names, *indices, *columns}


@pytest.fixture(scope="module")
def models() -> MetaData:
    return metadata()


@pytest.mark.req("P-4.1")
def test_the_steps_make_all_tables_and_undo_them(empty: Database, models: MetaData) -> None:
    assert migration.current(empty) is None
    migration.upgrade(empty)
    assert migration.current(empty) == migration.revisions()[-1]
    assert tables(empty) == {*models.tables, "alembic_version"}
    assert migration.check(empty) == []
    migration.downgrade(empty)
    assert tables(empty) == {"alembic_version"}
    migration.upgrade(empty)
    assert migration.check(empty) == []
    empty.close()


@pytest.mark.req("P-4.1")
def test_each_step_can_be_undone_alone(empty: Database) -> None:
    before: set[str] = {"alembic_version", "alembic_version.version_num"}
    for revision in migration.revisions():
        migration.upgrade(empty, revision)
        now = structure(empty)
        assert now - before
        previous = migration.revisions()[: migration.revisions().index(revision)]
        migration.downgrade(empty, previous[-1] if previous else "base")
        assert structure(empty) == before
        migration.upgrade(empty, revision)
        before = now
    empty.close()


def test_the_local_owner_is_there_from_the_first_step(empty: Database) -> None:
    migration.upgrade(empty, "0001")
    with empty.read() as session:
        owner = session.scalars(select(Owner)).one()
    assert owner.name == "local"
    assert owner.created_at.tzinfo is not None
    empty.close()


@pytest.mark.req("P-4.1")
def test_drift_between_database_and_models_is_found(empty: Database) -> None:
    assert "this program needs" in migration.check(empty)[0]
    migration.upgrade(empty)
    with empty.write() as session:
        session.execute(text("ALTER TABLE owners ADD COLUMN nickname VARCHAR(10)"))
        session.execute(text("DROP INDEX ix_audit_events_owner_id_id"))
        session.execute(text("CREATE TABLE stray (id INTEGER)"))
    found = "\n".join(migration.check(empty))
    for word in ("nickname", "ix_audit_events_owner_id_id", "stray"):
        assert word in found
    empty.close()


@pytest.mark.req("P-4.1")
def test_a_changed_column_and_a_lost_check_are_drift_too(empty: Database) -> None:
    migration.upgrade(empty)
    with empty.write() as session:
        made = session.execute(
            text("SELECT sql FROM sqlite_master WHERE name = 'threshold_settings'")
        ).scalar_one()
        session.execute(text("DROP TABLE threshold_settings"))
        made = re.sub(r",\s*CONSTRAINT ck_threshold_settings_one_rule CHECK \(.*\)", "", made)
        session.execute(text(made.replace("percentile DOUBLE", "percentile DOUBLE NOT NULL")))
    found = "\n".join(migration.check(empty))
    assert "ck_threshold_settings_one_rule" in found
    assert "nullable" in found
    empty.close()


def normal(sql: str) -> str:
    """One statement as it counts: white space and the order of constraints do not."""
    statement = re.sub(r"^(--.*\n|\s)*", "", sql)
    lines = [line.strip().rstrip(",") for line in statement.strip().rstrip(";").splitlines()]
    columns = [line for line in lines if not line.startswith("CONSTRAINT ")]
    return "\n".join(columns + sorted(set(lines) - set(columns)))


def from_models(table: Table, dialect: str) -> set[str]:
    compiler = make_url(DIALECTS[dialect]).get_dialect()()
    made = [CreateTable(table), *(CreateIndex(index) for index in table.indexes)]
    return {normal(str(item.compile(dialect=compiler))) for item in made}


def from_steps(dialect: str) -> tuple[set[str], dict[str, str]]:
    """All statements, and by table the one of a table to which a later step adds columns."""
    said = {normal(line) for line in migration.offline_sql(dialect).split(";\n")}
    grown: dict[str, str] = {}
    for line in sorted(said):
        if added := re.match(r"ALTER TABLE (\w+) ADD COLUMN (.+)", line):
            (made,) = (one for one in said if one.startswith(f"CREATE TABLE {added[1]} ("))
            grown[added[1]] = f"{grown.get(added[1], made)}\n{added[2]}"
    return said, grown


def in_any_order(statement: str) -> list[str]:
    return sorted(statement.splitlines())


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_steps_say_what_the_models_say_on_every_engine(dialect: str, models: MetaData) -> None:
    steps_say, grown = from_steps(dialect)
    for table in models.sorted_tables:
        missing = from_models(table, dialect) - steps_say
        if table.name in grown:  # a column that came later stands last
            assert [in_any_order(one) for one in missing] == [in_any_order(grown[table.name])]
        else:
            assert not missing


@pytest.mark.req("P-4.1")
def test_servers_get_exact_types() -> None:
    postgresql, mysql, mariadb = map(migration.offline_sql, ("postgresql", "mysql", "mariadb"))
    assert "DOUBLE PRECISION" in postgresql
    assert "TIMESTAMP WITH TIME ZONE" in postgresql
    for sql in (mysql, mariadb):
        creations = re.findall(r"CREATE TABLE (\w+) \(.*?\n\)([^;]*);", sql, re.DOTALL)
        options = {name: rest for name, rest in creations if name != "alembic_version"}
        assert len(options) > 10
        assert all("CHARSET=utf8mb4" in rest for rest in options.values())
        assert all("utf8mb4_bin" in rest for rest in options.values())
        assert "DATETIME(6)" in sql
        assert "LONGBLOB" in sql
        assert re.search(r"age_years DOUBLE\b", sql)
        assert not re.search(r"\b(FLOAT|DATETIME)\b(?!\()", sql)


def keys(models: MetaData) -> list[tuple[str, list[str], Table]]:
    found = []
    for table in models.sorted_tables:
        indexed: list[Index | UniqueConstraint] = [*table.indexes]
        indexed += [item for item in table.constraints if isinstance(item, UniqueConstraint)]
        found += [(str(item.name), [c.name for c in item.columns], table) for item in indexed]
    return found


@pytest.mark.req("P-4.1")
def test_keys_and_names_fit_every_engine(models: MetaData) -> None:
    for name, columns, table in keys(models):
        lengths = [getattr(table.c[column].type, "length", None) or 2 for column in columns]
        assert sum(lengths) * CHARACTER_BYTES <= MYSQL_KEY_BYTES, name
    names = {item.name for table in models.sorted_tables for item in table.constraints}
    names |= {name for name, _, _ in keys(models)}
    assert [name for name in names if name and len(name) > LONGEST_NAME] == []


@pytest.mark.req("P-4.1")
def test_ids_are_integers_and_real_numbers_double(models: MetaData) -> None:
    for table in models.sorted_tables:
        assert str(table.c.id.type) == "INTEGER", table.name
        for column in table.columns:
            assert str(column.type) not in {"FLOAT", "REAL"}, f"{table.name}.{column.name}"


@pytest.mark.req("P-4.1")
def test_every_reference_is_indexed(models: MetaData) -> None:
    """Deleting a row looks for those that refer to it; lists and joins follow the same columns."""
    leading = {(table.name, columns[0]) for _, columns, table in keys(models)}
    wanted = {
        (table.name, key.column_keys[0])
        for table in models.sorted_tables
        for key in table.foreign_key_constraints
    }
    assert wanted - leading == set()


TOGETHER = """
import sys
from deepmed.kit.database import open_database
from deepmed.kit.database.migration import upgrade
database = open_database(sys.argv[1])
upgrade(database)
database.close()
"""


@pytest.mark.req("P-4.1")
def test_processes_that_start_at_once_do_not_collide(empty: Database) -> None:
    command = [sys.executable, "-W", "error", "-c", TOGETHER, str(empty.engine.url)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, errors
    assert migration.check(empty) == []
    with empty.read() as session:
        assert len(session.scalars(select(Owner)).all()) == 1
    empty.close()


KILLED = """
import os, sys
from alembic import op
from deepmed.kit.database import open_database
from deepmed.kit.database.migration import upgrade
made = []
create = op.create_table
def dying(*given, **named):
    made.append(create(*given, **named))
    if len(made) == int(sys.argv[2]):
        os._exit(9)
op.create_table = dying
upgrade(open_database(sys.argv[1]))
"""


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize("at", [3, 9])
def test_a_kill_in_the_middle_leaves_the_database_as_it_was(at: int, empty: Database) -> None:
    command = [sys.executable, "-c", KILLED, str(empty.engine.url), str(at)]
    assert subprocess.run(command, check=False).returncode == 9
    assert tables(empty) <= {"alembic_version"}
    migration.upgrade(empty)
    assert migration.check(empty) == []
    empty.close()


def test_a_database_of_a_newer_version_is_left_alone(empty: Database) -> None:
    migration.upgrade(empty)
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for deed in (migration.upgrade, migration.downgrade):
        with pytest.raises(ConfigurationError, match=r"9999.*newer version"):
            deed(empty)
    assert len(tables(empty)) > 10
    empty.close()


def test_a_step_that_is_not_on_the_way_is_told(empty: Database) -> None:
    for deed, at, wanted in (
        (migration.upgrade, "0001", "7777"),
        (migration.upgrade, "0002", "0001"),
        (migration.downgrade, "0001", "0002"),
        (migration.downgrade, "0001", "head"),
    ):
        migration.downgrade(empty)
        migration.upgrade(empty, at)
        with pytest.raises(ValidationError, match=rf"'{wanted}'.*Choose one of.*{at}"):
            deed(empty, wanted)
        assert migration.current(empty) == at
    empty.close()


def test_a_migration_that_hangs_elsewhere_is_told(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOCK_TIMEOUT_SECONDS", 0.05)
    with steps.locked(empty, tmp_path):
        with pytest.raises(ResourceError, match="Another process"):
            migration.upgrade(empty, lock_folder=tmp_path)
        migration.upgrade(empty, lock_folder=tmp_path / "..")
    (tmp_path / ".." / "migration.lock").unlink(missing_ok=True)
    empty.close()


def test_rebuilding_a_table_does_not_delete_what_refers_to_it(empty: Database) -> None:
    """What SQLite's own foreign keys would do, were they awake while a table is replaced."""
    migration.upgrade(empty)
    with empty.write() as session:
        session.execute(text("INSERT INTO drawing_children (owner_id, code) VALUES (1, 'a')"))
    with steps._connection(empty) as connection:
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = 'owners'"
        ).scalar_one()
        connection.exec_driver_sql(str(made).replace("owners", "owners_new", 1))
        connection.exec_driver_sql("INSERT INTO owners_new SELECT * FROM owners")
        connection.exec_driver_sql("DROP TABLE owners")
        connection.exec_driver_sql("ALTER TABLE owners_new RENAME TO owners")
        steps._refuse_orphans(connection)
    with empty.read() as session:
        assert session.execute(text("SELECT count(*) FROM drawing_children")).scalar() == 1
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1

    def orphan() -> None:
        with steps._connection(empty) as connection:
            connection.exec_driver_sql("DELETE FROM owners")
            steps._refuse_orphans(connection)

    with pytest.raises(ConflictError, match="drawing_children"):
        orphan()
    with empty.read() as session:
        assert session.execute(text("SELECT count(*) FROM owners")).scalar() == 1
    empty.close()


def test_starting_again_loads_no_migration_machinery(empty: Database) -> None:
    migration.upgrade(empty)
    empty.close()
    code = TOGETHER + "\nassert 'alembic' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code, str(empty.engine.url)], check=True)
