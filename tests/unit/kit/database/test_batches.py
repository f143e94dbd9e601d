from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects import sqlite

from deepmed.features.drawings.tables import Drawing
from deepmed.kit.database import Database
from deepmed.kit.database.batches import no_index


def steps(database: Database, condition: ColumnElement[bool]) -> str:
    """How SQLite goes about it."""
    query = select(Drawing.id).where(condition, Drawing.id.in_(range(48)))
    text = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with database.engine.connect() as connection:
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())


def test_a_few_ids_of_an_owner_are_looked_up_one_by_one(database: Database) -> None:
    if database.engine.dialect.name != "sqlite":
        return
    assert "owner_id=?" in steps(database, Drawing.owner_id == 1)
    assert "SEARCH drawings USING INTEGER PRIMARY KEY" in steps(
        database, no_index(Drawing.owner_id) == 1
    )
