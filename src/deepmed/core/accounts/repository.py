from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.core.accounts.tables import Owner

LOCAL_OWNER = "local"


def local_owner_id(session: Session) -> int:
    """The id of the person at this machine; the row is made by the first migration."""
    return session.scalars(select(Owner.id).where(Owner.name == LOCAL_OWNER)).one()


def name_of(session: Session, owner_id: int) -> str:
    return session.scalars(select(Owner.name).where(Owner.id == owner_id)).one()
