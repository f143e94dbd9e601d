"""SQL of which run answers."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from deepmed.features.xray.tables import COMPLETED, XrayRun


def newest_completed(session: Session, owner_id: int) -> int | None:
    """The number of the run that was completed last; None where there is none."""
    query = select(XrayRun.id).where(
        XrayRun.owner_id == owner_id,
        XrayRun.status == COMPLETED,
        XrayRun.artifact_id.is_not(None),
    )
    return session.scalar(query.order_by(XrayRun.end_time.desc(), XrayRun.id.desc()).limit(1))
