"""All SQL of owners' defaults, in the caller's session."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.features.xray.tables import XrayDefaults


def defaults_of(session: Session, owner_id: int) -> XrayDefaults | None:
    """None where this owner has set nothing."""
    query = select(XrayDefaults).where(XrayDefaults.owner_id == owner_id)
    return session.scalars(query).one_or_none()
