"""Writers at once, on each engine: one after the other, and no reader waits for them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from deepmed.core.accounts.tables import Owner
from deepmed.kit.database import Database, open_database
from deepmed.kit.errors import ResourceError

pytestmark = pytest.mark.req("P-4.1")

SERVERS = pytest.mark.parametrize("engine_name", ["postgresql", "mysql"])
PATIENCE = 20


def names(session: Session) -> list[str]:
    return list(session.scalars(select(Owner.name).order_by(Owner.id)))


def count_up(database: Database) -> None:
    """Read, then write what follows from it: two at once must not read the same."""
    with database.write() as session:
        last = session.scalars(select(func.max(Owner.id))).one()
        name = session.get_one(Owner, last).name
        session.add(Owner(name=str(int(name) + 1)))


def test_what_a_writer_read_stays_true_until_it_has_written(any_database: Database) -> None:
    with any_database.write() as session:
        session.add(Owner(name="0"))
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(count_up, any_database) for _ in range(24)]:
            done.result()
    with any_database.read() as session:
        assert names(session) == ["local", *map(str, range(25))]


def test_another_processs_writer_waits_too(any_database: Database, database_url: str) -> None:
    other, order, inside = open_database(database_url), list[str](), threading.Event()

    def second() -> None:
        inside.wait(PATIENCE)
        with other.write() as session:
            order.append("second")
            assert "first" in names(session)

    thread = threading.Thread(target=second)
    thread.start()
    with any_database.write() as session:
        inside.set()
        thread.join(0.3)
        session.add(Owner(name="first"))
        order.append("first")
    thread.join(PATIENCE)
    other.close()
    assert order == ["first", "second"]


def test_a_reader_neither_waits_nor_sees_half_of_it(any_database: Database) -> None:
    with any_database.read() as reader:
        before = names(reader)
        with any_database.write() as writer:
            writer.add(Owner(name="new"))
            writer.flush()
            with any_database.read() as another:
                assert names(another) == before
        assert names(reader) == before
    with any_database.read() as reader:
        assert names(reader) == [*before, "new"]


def test_a_failed_block_leaves_nothing_and_no_lock(any_database: Database) -> None:
    def fail() -> None:
        with any_database.write() as session:
            session.add(Owner(name="half"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with any_database.write() as session:
        assert names(session) == ["local"]


def impatient(url: str) -> Database:
    """Waits a second for a lock, and not thirty."""
    database = open_database(url)
    setting = "lock_timeout = '1s'" if "postgresql" in url else "innodb_lock_wait_timeout = 1"

    def hurry(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION {setting}")
        connection.commit()

    event.listen(database.engine, "connect", hurry)
    return database


@SERVERS
def test_a_writer_that_waits_too_long_is_told(any_database: Database, database_url: str) -> None:
    other = impatient(database_url)
    with any_database.write() as session:
        session.add(Owner(name="slow"))
        with (
            pytest.raises(ResourceError, match=r"cannot be used.*try again"),
            other.write() as late,
        ):
            late.add(Owner(name="late"))
    with other.write() as session:
        assert names(session) == ["local", "slow"]
    other.close()


@SERVERS
def test_writers_that_lock_rows_go_on_side_by_side(any_database: Database) -> None:
    with any_database.write_concurrently() as first, any_database.write_concurrently() as second:
        first.add(Owner(name="first"))
        first.flush()
        second.add(Owner(name="second"))
        second.flush()
        with any_database.write() as third:  # whose turn it is does not concern them
            third.add(Owner(name="third"))
    with any_database.read() as session:
        assert set(names(session)) == {"local", "first", "second", "third"}


@SERVERS
def test_each_statement_of_a_writer_sees_what_is_committed(any_database: Database) -> None:
    with any_database.write_concurrently() as first:
        assert names(first) == ["local"]
        with any_database.write() as second:
            second.add(Owner(name="meanwhile"))
        assert names(first) == ["local", "meanwhile"]


@SERVERS
def test_a_deadlock_is_an_error_that_may_be_tried_again(any_database: Database) -> None:
    with any_database.write() as session:
        session.add_all([Owner(name="a"), Owner(name="b")])
    both = threading.Barrier(2, timeout=PATIENCE)

    def rename(order: tuple[str, str]) -> None:
        with any_database.write_concurrently() as session:
            for place, name in enumerate(order):
                session.execute(
                    update(Owner).where(Owner.name == name).values(created_at=datetime.now(UTC))
                )
                if place == 0:
                    both.wait()

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(rename, order) for order in (("a", "b"), ("b", "a"))]
        errors = [error for one in running if (error := one.exception())]
    assert len(errors) == 1
    assert isinstance(errors[0], ResourceError)
    assert "eadlock" in errors[0].message


def lost(engine: Engine) -> str:
    return "SELECT pg_backend_pid()" if engine.name == "postgresql" else "SELECT CONNECTION_ID()"


@SERVERS
def test_a_connection_that_is_lost_is_told_and_replaced(any_database: Database) -> None:
    kill = (
        "SELECT pg_terminate_backend({})" if any_database.engine.name == "postgresql" else "KILL {}"
    )

    def cut() -> None:
        with any_database.write() as session:
            session.add(Owner(name="half"))
            session.flush()
            number = session.scalar(text(lost(any_database.engine)))
            with any_database.read() as other:
                other.execute(text(kill.format(number)))
            session.add(Owner(name="rest"))
            session.flush()

    with pytest.raises(ResourceError, match="undone as a whole"):
        cut()
    with any_database.write() as session:
        assert names(session) == ["local"]


@SERVERS
@pytest.mark.req("P-2.1")
def test_who_may_not_in_is_told_without_the_password(database_url: str, engine_name: str) -> None:
    url = make_url(database_url).set(password="hunter2")  # noqa: S106 - a wrong one
    database = open_database(url.render_as_string(hide_password=False))
    for door in (database.read, database.write):
        with pytest.raises(ResourceError) as caught, door() as session:
            names(session)
        if engine_name == "postgresql":
            assert "password authentication failed" in caught.value.message
        else:
            assert "Access denied" in caught.value.message
        assert "hunter2" not in caught.value.message + repr(database.engine)
    database.close()
