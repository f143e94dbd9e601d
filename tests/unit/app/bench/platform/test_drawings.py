import pytest

from deepmed.app.bench.platform.drawings import add_drawings, refuse_what_is_in_use
from deepmed.app.bench.platform.kinds import BY_NAME, COUNTED
from deepmed.core.home import Home
from deepmed.core.jobs.ledger import JobLedger
from deepmed.features.drawings.tables import Drawing
from deepmed.kit.errors import ConflictError


def test_drawings_are_added_by_as_many_children_in_order(opened: Home) -> None:
    ids = add_drawings(opened, 2005)
    assert ids == sorted(set(ids))
    with opened.database.read() as session:
        rows = session.query(Drawing.id, Drawing.child_id).order_by(Drawing.id).all()
    assert [row.id for row in rows] == ids
    assert len({row.child_id for row in rows}) == 2005


def test_a_database_in_use_is_left_alone(opened: Home) -> None:
    refuse_what_is_in_use(opened)
    add_drawings(opened, 1)
    with pytest.raises(ConflictError, match="empty database"):
        refuse_what_is_in_use(opened)


def test_a_ledger_in_use_is_left_alone(opened: Home) -> None:
    JobLedger.of(opened, BY_NAME).submit(COUNTED, {})
    with pytest.raises(ConflictError, match="empty database"):
        refuse_what_is_in_use(opened)
