from sqlalchemy import select

from deepmed.core.accounts.repository import LOCAL_OWNER, local_owner_id
from deepmed.core.accounts.tables import Owner
from deepmed.kit.database import Database


def test_the_person_at_this_machine_is_there_from_the_start(database: Database) -> None:
    with database.read() as session:
        owner = session.get_one(Owner, local_owner_id(session))
        assert owner.name == LOCAL_OWNER
        assert list(session.scalars(select(Owner.id))) == [owner.id]


def test_it_is_the_same_person_beside_others(database: Database, other_owner_id: int) -> None:
    with database.read() as session:
        first = local_owner_id(session)
    assert first != other_owner_id
    with database.read() as session:
        assert local_owner_id(session) == first
