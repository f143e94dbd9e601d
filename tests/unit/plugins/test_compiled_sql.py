"""Databases of one kind share what was compiled, and nothing else."""

from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.engine.interfaces import CacheStats

from deepmed.kit.database import Database, open_database

ROWS = Table("rows_of_this_test", MetaData(), Column("id", Integer, primary_key=True))


def filled(path: Path, count: int) -> Database:
    database = open_database(f"sqlite:///{path}")
    with database.engine.begin() as connection:
        ROWS.create(connection)
        connection.execute(ROWS.insert(), [{"id": number} for number in range(count)])
    return database


def asked(database: Database) -> tuple[list[Any], CacheStats]:
    with database.engine.connect() as connection:
        found = connection.execute(select(ROWS.c.id))
        return list(found.scalars()), found.context.cache_hit


def test_the_second_database_compiles_nothing_anew_and_answers_from_its_own_rows(
    tmp_path: Path,
) -> None:
    first, second = (filled(tmp_path / f"{count}.db", count) for count in (1, 3))
    assert asked(first) == ([0], CacheStats.CACHE_MISS)
    assert asked(second) == ([0, 1, 2], CacheStats.CACHE_HIT)
    for database in (first, second):
        database.close()
