"""Questions over all drawings are answered from an index, as far as the engine can."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from deepmed.app.bench.database import settle
from deepmed.app.bench.platform.drawings import insert, new_drawing
from deepmed.features.drawings.analysis import repository as analyses
from deepmed.features.drawings.catalogue import repository as catalogue
from deepmed.features.drawings.catalogue.filters import NEWEST_FIRST, DrawingFilter, Sort
from deepmed.kit.database import Database
from deepmed.kit.database.engine import PAGE_COST

NEWEST = "ix_drawings_owner_id_upload_timestamp_id"
PLANS = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}
START = datetime(2024, 1, 1, tzinfo=UTC)


def plans(database: Database, ask: Callable[[Session], Any]) -> str:
    """How the engine would answer what is asked, were the tables too large to be read through."""
    said: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def _hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        said.append((statement, values))

    with database.read() as session:
        ask(session)
        connection, found = session.connection(), []
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, values in [one for one in said if one[0].startswith("SELECT")]:
            explained = PLANS.get(connection.dialect.name, "EXPLAIN ") + statement
            found += [str(row) for row in connection.exec_driver_sql(explained, values)]
    return "\n".join(found)


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize("engine_name", ["mysql"], indirect=True)
def test_mariadb_begins_a_late_page_where_it_begins(any_database: Database) -> None:
    with any_database.write() as session:
        rows = [new_drawing(1, upload_timestamp=START + timedelta(n)) for n in range(300)]
        insert(session, rows)
    settle(any_database)
    newest, after = Sort.parse(NEWEST_FIRST), (rows[20].upload_timestamp, rows[20].id)

    def ask(session: Session) -> None:
        found = catalogue.page(session, 1, DrawingFilter(), newest, limit=5, after=after)
        assert [each.id for each in found] == [each.id for each in rows[19:14:-1]]

    found = plans(any_database, ask).splitlines()[0]
    assert f"'{NEWEST}', '12', None, '21'" in found, "owner and time lead to the 21 drawings left"


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_postgresql_takes_an_index_for_a_large_part_of_a_table(any_database: Database) -> None:
    with any_database.engine.connect() as connection:
        cost = connection.exec_driver_sql("SHOW random_page_cost").scalar_one()
    assert float(cost) == PAGE_COST


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize("engine_name", PLANS, indirect=True)
class TestOnServersToo:
    def test_statistics_look_at_the_marked_drawings_alone(self, any_database: Database) -> None:
        found = plans(any_database, lambda session: analyses.counts(session, 1))
        assert "ix_drawings_marked" in found
        assert "Seq Scan on drawings" not in found

    def test_drawings_and_answers_are_counted_without_reading_them(
        self, any_database: Database
    ) -> None:
        found = plans(any_database, lambda session: analyses.totals(session, 1)).upper()
        assert found.count("COVERING INDEX") + found.count("INDEX ONLY") == 2

    def test_a_late_page_is_found_without_reading_or_sorting_what_is_before_it(
        self, any_database: Database
    ) -> None:
        sort = Sort.parse(NEWEST_FIRST)
        found = plans(
            any_database,
            lambda session: catalogue.key_before(session, 1, DrawingFilter(), sort, 5),
        )
        assert NEWEST in found
        assert ("Index Only" in found) or ("COVERING INDEX" in found)
        assert "Sort" not in found
        assert "TEMP B-TREE" not in found
