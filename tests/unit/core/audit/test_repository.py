"""Who did what to what: rows are added in the transaction of the deed, each owner's own."""

import pytest
from sqlalchemy import func, select

from deepmed.core.audit import repository as audit
from deepmed.core.audit.tables import AuditEvent
from deepmed.kit import clock
from deepmed.kit.database import Database


def actions(database: Database, owner_id: int, limit: int = 100) -> list[str]:
    with database.read() as session:
        return [event.action for event in audit.history(session, owner_id, limit)]


def test_an_event_says_who_did_what_to_what_and_when(database: Database, owner_id: int) -> None:
    before = clock.now()
    with database.write() as session:
        audit.record(session, owner_id, "threshold.change", "threshold_setting", 7, before=95)
    with database.read() as session:
        (event,) = audit.history(session, owner_id)
    assert (event.owner_id, event.action) == (owner_id, "threshold.change")
    assert (event.object_type, event.object_id) == ("threshold_setting", "7")
    assert event.details == {"before": 95}
    assert before <= event.at <= clock.now()


def test_the_newest_comes_first_up_to_a_limit(database: Database, owner_id: int) -> None:
    for name in ("first", "second", "third"):
        with database.write() as session:
            audit.record(session, owner_id, name, "thing", 1)
    assert actions(database, owner_id) == ["third", "second", "first"]
    assert actions(database, owner_id, limit=2) == ["third", "second"]


@pytest.mark.req("S-3.1")
def test_another_owners_events_are_not_shown(
    database: Database, owner_id: int, other_owner_id: int
) -> None:
    with database.write() as session:
        audit.record(session, owner_id, "mine", "thing", 1)
        audit.record(session, other_owner_id, "theirs", "thing", 2)
    assert actions(database, owner_id) == ["mine"]
    assert actions(database, other_owner_id) == ["theirs"]


def test_a_deed_that_is_undone_leaves_no_line(database: Database, owner_id: int) -> None:
    def fail_after_recording() -> None:
        with database.write() as session:
            audit.record(session, owner_id, "deed", "thing", 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_recording()
    with database.read() as session:
        assert session.scalars(select(func.count(AuditEvent.id))).one() == 0
