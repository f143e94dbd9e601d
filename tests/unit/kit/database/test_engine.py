import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, event, select, text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.core.accounts.tables import Owner
from deepmed.core.audit.tables import AuditEvent
from deepmed.core.registry.tables import Artifact
from deepmed.kit.database import Base, Database, UtcDateTime, open_database
from deepmed.kit.errors import ConfigurationError, ResourceError


@pytest.fixture
def sent(database: Database) -> Iterator[list[str]]:
    """What SQLite itself is given, transaction statements included."""
    statements: list[str] = []

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(statements.append)

    database.close()  # so that the next connection is a new one
    event.listen(database.engine, "connect", listen)
    yield statements
    event.remove(database.engine, "connect", listen)


@pytest.mark.req("P-4.1")
def test_a_write_begins_by_taking_the_write_lock(database: Database, sent: list[str]) -> None:
    with database.write() as session:
        session.add(Owner(name="new"))
    begun = [line for line in sent if line.startswith(("BEGIN", "COMMIT", "INSERT"))]
    assert [line.split(" INTO")[0] for line in begun] == ["BEGIN IMMEDIATE", "INSERT", "COMMIT"]


@pytest.mark.req("P-4.1")
def test_a_read_takes_no_write_lock_and_commits_nothing(
    database: Database, sent: list[str]
) -> None:
    with database.read() as session:
        session.add(Owner(name="lost"))
        session.flush()
    assert "BEGIN" in sent
    assert not {"BEGIN IMMEDIATE", "COMMIT"} & set(sent)
    with database.read() as session:
        assert session.scalars(select(Owner.name)).all() == ["local"]


@pytest.mark.req("P-4.1")
def test_each_connection_has_foreign_keys_the_log_and_patience(database: Database) -> None:
    with database.read() as session, database.read() as another:
        for one in (session, another):
            pragmas = {
                name: one.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("foreign_keys", "journal_mode", "busy_timeout", "synchronous")
            }
            assert pragmas == {
                "foreign_keys": 1,
                "journal_mode": "wal",
                "busy_timeout": 30_000,
                "synchronous": 1,
            }


WRITER = """
import sys, time
from sqlalchemy import text
from deepmed.kit.database import open_database
database = open_database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        value = int(session.execute(text("SELECT details FROM audit_events")).scalar_one())
        time.sleep(0.002)  # a read followed by a write: lost without the lock
        session.execute(text("UPDATE audit_events SET details = :value"), {"value": value + 1})
"""


@pytest.mark.req("P-4.1")
def test_writers_of_two_processes_take_turns_and_lose_nothing(
    database: Database, owner_id: int
) -> None:
    with database.write() as session:
        session.add(
            AuditEvent(owner_id=owner_id, action="", object_type="", object_id="", details={})
        )
        session.flush()
        session.execute(text("UPDATE audit_events SET details = 0"))
    command = [sys.executable, "-c", WRITER, str(database.engine.url), "40"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        assert process.wait() == 0, process.communicate()[1]
        process.communicate()
    with database.read() as session:
        assert session.execute(text("SELECT details FROM audit_events")).scalar() == 80


@pytest.mark.req("P-4.1")
def test_a_second_writer_waits_instead_of_failing(database: Database) -> None:
    order: list[str] = []
    started = threading.Event()

    def slow() -> None:
        with database.write() as session:
            started.set()
            session.add(Owner(name="first"))
            session.flush()
            time.sleep(0.3)
            order.append("first")

    other = threading.Thread(target=slow)
    other.start()
    started.wait()
    with database.write() as session:
        order.append("second")
        assert session.scalar(select(Owner.id).where(Owner.name == "first"))
    other.join()
    assert order == ["first", "second"]


def test_a_database_that_stays_busy_is_told_for_people(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepmed.kit.database.engine.LOCK_SECONDS", 0)
    impatient = open_database(str(database.engine.url))
    with (
        database.write(),
        pytest.raises(ResourceError, match=r"locked.*undone.*try again"),
        impatient.write(),
    ):
        pass
    impatient.close()


@pytest.mark.req("P-4.1")
def test_an_error_undoes_the_whole_block(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            session.add(Owner(name="half"))
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with database.read() as session:
        assert session.scalars(select(Owner.name)).all() == ["local"]


@pytest.mark.req("P-4.1")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO owners (name, created_at) VALUES ('local', '2026-01-01')",
        "INSERT INTO drawing_children (owner_id, code) VALUES (99, 'a')",
        "INSERT INTO threshold_settings (owner_id, percentile, threshold, created_timestamp) "
        "VALUES (1, 95, 0.5, '2026-01-01')",
        "INSERT INTO artifacts (owner_id, uid, kind, stage, recipe_hash, revision, "
        "manifest_hash, lineage, metrics, created_at) "
        "VALUES (1, 'u', 'k', 'live', 'r', 1, 'm', '{}', '{}', '2026-01-01')",
        "DELETE FROM owners WHERE id = (SELECT owner_id FROM audit_events)",
    ],
    ids=["unique", "foreign key", "check", "stage", "restrict"],
)
def test_the_database_itself_refuses_nonsense(
    statement: str, database: Database, owner_id: int
) -> None:
    with database.write() as session:
        session.add(
            AuditEvent(owner_id=owner_id, action="", object_type="", object_id="", details={})
        )
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text(statement))


@pytest.mark.req("P-4.1")
def test_the_id_of_a_deleted_row_is_never_given_again(database: Database) -> None:
    def add() -> int:
        with database.write() as session:
            row = Owner(name="brief")
            session.add(row)
            session.flush()
            return row.id

    first = add()
    with database.write() as session:
        session.execute(text("DELETE FROM owners WHERE name = 'brief'"))
    assert add() > first


@pytest.mark.req("P-4.1")
def test_moments_come_back_to_the_microsecond_in_utc(database: Database) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2026, 3, 29, 2, 30, 0, 123_456, tzinfo=zone)
    with database.write() as session:
        session.add(Owner(name="then", created_at=moment))
    with database.read() as session:
        found = session.scalars(select(Owner.created_at).where(Owner.name == "then")).one()
    assert found == moment
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"), database.write() as session:
        session.add(Owner(name="when", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - what is refused


@pytest.mark.req("P-4.1")
def test_types_are_exact_on_the_servers_too() -> None:
    assert UtcDateTime().compile(mysql.dialect()) == "DATETIME(6)"
    assert UtcDateTime().compile(postgresql.dialect()) == "TIMESTAMP WITH TIME ZONE"
    written = UtcDateTime().process_bind_param(datetime(2026, 1, 1, tzinfo=UTC), mysql.dialect())
    assert written is not None
    assert written.tzinfo is None
    kept = UtcDateTime().process_bind_param(datetime(2026, 1, 1, tzinfo=UTC), postgresql.dialect())
    assert kept is not None
    assert kept.tzinfo is UTC
    assert UtcDateTime().process_result_value(kept, postgresql.dialect()) == kept


def test_not_a_number_is_no_json(database: Database, owner_id: int) -> None:
    with pytest.raises(StatementError, match="JSON compliant"), database.write() as session:
        session.add(
            AuditEvent(
                owner_id=owner_id,
                action="",
                object_type="",
                object_id="",
                details={"value": float("nan")},
            )
        )


@pytest.mark.req("S-13.1")
def test_errors_do_not_quote_the_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.write() as session:
        session.execute(
            text("INSERT INTO owners (id, name, created_at) VALUES (1, :name, '2026-01-01')"),
            {"name": "Canary Patient"},
        )
    assert "Canary" not in str(caught.value)


def test_rows_stay_readable_after_the_block(database: Database) -> None:
    with database.read() as session:
        row = session.scalars(select(Owner)).one()
    assert row.name == "local"
    with database.write() as session:
        made = Owner(name="new")
        session.add(made)
    assert made.id
    assert made.created_at.tzinfo is UTC


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        "sqlit:///a.db",
        "postgresql://host:port/x",
        "oracle+nonsense://x",
        "mssql+pymssql://ann:hunter2@host/name",
        "postgresql+asyncpg://ann:hunter2@host/name",
    ],
)
def test_a_wrong_url_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DEEPMED_DATABASE_URL.*Examples") as caught:
        open_database(url)
    assert url == "" or url not in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [
        ("postgresql://ann:hunter2@host/name", "psycopg", "postgresql"),
        ("mysql://ann:hunter2@host/name", "pymysql", "mysql"),
    ],
)
def test_a_missing_driver_is_named(
    url: str, driver: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigurationError, match=rf"{driver}.*Install.*\[{extra}\]") as caught:
        open_database(url)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("url", ["postgres://a/b", "postgresql://a/b", "mysql://a/b"])
def test_the_engines_name_alone_means_our_driver(url: str) -> None:
    database = open_database(url)
    assert database.engine.driver in {"psycopg", "pymysql"}
    assert database.file is None
    database.close()


def test_a_database_knows_its_file(tmp_path: Path) -> None:
    for url, file in {
        f"sqlite:///{tmp_path}/deep/er/a.db": tmp_path / "deep" / "er" / "a.db",
        "sqlite://": None,
    }.items():
        database = open_database(url)
        assert database.file == file
        with database.write() as session:
            assert session.execute(text("SELECT 1")).scalar() == 1
        database.close()


def test_tables_with_their_own_options_keep_them() -> None:
    class Kept(Base):
        __tablename__ = "kept_for_this_test"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(10))

    try:
        assert Kept.__table__.dialect_kwargs["mysql_charset"] == "utf8mb4"
        assert Artifact.__table__.dialect_kwargs["sqlite_autoincrement"] is True
    finally:
        Base.metadata.remove(Kept.__table__)  # type: ignore[arg-type]  # a mapped class's table is a Table
        Base.registry._dispose_cls(Kept)
