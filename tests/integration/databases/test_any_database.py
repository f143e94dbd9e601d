import pytest
from sqlalchemy import select, text

from deepmed.core.accounts.tables import Owner
from deepmed.kit.database import Database, migration


@pytest.mark.parametrize("again", range(2))
def test_each_test_has_a_fresh_migrated_database(any_database: Database, again: int) -> None:
    assert migration.current(any_database) == migration.revisions()[-1]
    with any_database.write() as session:
        session.add(Owner(name="left behind"))
        session.flush()
        assert [one.name for one in session.scalars(select(Owner))] == ["local", "left behind"]


def test_the_engine_is_the_one_that_was_asked_for(any_database: Database, engine_name: str) -> None:
    statement = "SELECT sqlite_version()" if engine_name == "sqlite" else "SELECT version()"
    with any_database.read() as session:
        said = str(session.execute(text(statement)).scalar_one())
    wanted = {"sqlite": "3.", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
    assert wanted[engine_name] in said
