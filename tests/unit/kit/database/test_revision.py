"""What was counted once is kept until data change, and no longer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from deepmed.core.accounts.tables import Owner
from deepmed.core.audit.tables import AuditEvent
from deepmed.kit.database import Database, kept, open_database
from deepmed.kit.database.revision import KeptAnswers

asked: list[str] = []


@kept
def owners(session: Session, name: str = "") -> int:
    asked.append(name)
    return counted(session, name)


def counted(session: Session, name: str) -> int:
    query = select(func.count()).select_from(Owner)
    return session.scalar(query.where(Owner.name != name)) or 0


@pytest.fixture(autouse=True)
def nothing_asked() -> Iterator[None]:
    asked.clear()
    yield
    asked.clear()


def count(database: Database, name: str = "") -> int:
    with database.read() as session:
        return owners(session, name)


def fail_after_a_change(database: Database) -> None:
    with database.write() as session:
        session.add(Owner(name="one"))
        session.flush()
        raise ZeroDivisionError


def test_the_second_asks_the_database_no_more(database: Database) -> None:
    assert count(database) == count(database)
    assert asked == [""]


def test_another_question_is_another_answer(database: Database) -> None:
    with database.write() as session:
        session.add(Owner(name="somebody"))
    assert count(database, "nobody") == count(database, "somebody") + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.add(Owner(name="one")),
        lambda session: session.execute(insert(Owner).values(name="one")),
        lambda session: session.execute(insert(Owner), [{"name": "one"}, {"name": "two"}]),
        lambda session: session.execute(update(Owner).values(name=Owner.name + "x")),
        lambda session: session.execute(delete(Owner)),
        lambda session: session.delete(session.scalars(select(Owner)).first()),
        lambda session: session.execute(text("UPDATE owners SET name = name || 'x'")),
        lambda session: session.connection().exec_driver_sql("\n DELETE FROM owners"),
    ],
    ids=["added", "inserted", "many", "updated", "deleted", "one deleted", "text", "driver"],
)
def test_after_each_kind_of_change_it_is_counted_anew(
    database: Database, change: Callable[[Session], object]
) -> None:
    with database.write() as session:
        session.add(Owner(name="last of all"))
    count(database, "last of allx")
    with database.write() as session:
        change(session)
    found = count(database, "last of allx")
    assert asked == ["last of allx", "last of allx"]
    with database.read() as session:
        assert found == counted(session, "last of allx")


def test_a_writer_beside_others_changes_the_state_too(database: Database) -> None:
    before = count(database)
    with database.write_concurrently() as session:
        session.add(Owner(name="one"))
    assert count(database) == before + 1


def test_another_process_is_noticed(database: Database, tmp_path: Path) -> None:
    other = open_database(database.engine.url.render_as_string(hide_password=False))
    before = count(database)
    with other.write() as session:
        session.add(Owner(name="one"))
    other.close()
    assert count(database) == before + 1


def test_who_wrote_past_the_program_lets_it_count_anew(database: Database) -> None:
    count(database)
    database.recount()
    count(database)
    assert asked == ["", ""]


def test_what_was_undone_changes_nothing(database: Database) -> None:
    count(database)
    with pytest.raises(ZeroDivisionError):
        fail_after_a_change(database)
    count(database)
    with database.write():
        pass
    count(database)
    assert asked == [""]


def test_a_note_of_what_was_done_changes_nothing_that_is_counted(database: Database) -> None:
    with database.write() as session:
        session.add(owner := Owner(name="one"))
    count(database)
    with database.write() as session:
        session.add(
            AuditEvent(
                owner_id=owner.id, action="looked", object_type="x", object_id="1", details={}
            )
        )
    count(database)
    assert asked == [""]


def test_a_reader_keeps_to_the_state_that_it_sees(database: Database) -> None:
    with database.read() as early:
        before = owners(early, "first")
        with database.write() as session:
            session.add(Owner(name="one"))
        assert count(database) == before + 1
        assert owners(early) == before
    assert count(database) == before + 1


def test_a_writer_sees_what_it_has_just_written(database: Database) -> None:
    before = count(database)
    with database.write() as session:
        session.add(Owner(name="one"))
        session.flush()
        assert owners(session) == before + 1
    assert count(database) == before + 1


def test_a_database_without_a_name_is_asked_each_time(database: Database) -> None:
    with database.write() as session:
        session.execute(text("DELETE FROM data_revision"))
        session.connection().info.clear()  # as if nobody had noticed
    count(database)
    count(database)
    assert asked == ["", ""]
    with database.write() as session:
        session.add(Owner(name="one"))
    count(database)
    count(database)
    assert asked == [""] * 3


class TestKeptAnswers:
    def test_many_at_once_let_one_work(self) -> None:
        answers, worked, begun = KeptAnswers(), [], threading.Event()

        def work() -> int:
            worked.append(1)
            begun.wait(0.05)
            return 7

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: answers.get("key", work), range(8)))
        assert (found, len(worked)) == ([7] * 8, 1)

    def test_who_fails_leaves_the_next_to_try(self) -> None:
        answers = KeptAnswers()
        with pytest.raises(ZeroDivisionError):
            answers.get("key", lambda: 1 // 0)
        assert answers.get("key", lambda: 3) == 3

    def test_the_longest_unused_goes_first(self) -> None:
        answers = KeptAnswers(2)
        for key in ("a", "b", "a", "c"):
            answers.get(key, lambda: None)
        fresh: list[str] = []
        for key in ("a", "c", "b"):
            answers.get(key, partial(fresh.append, key))
        assert fresh == ["b"]
