"""SQL of which run answers."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from deepmed.features.xray.tables import COMPLETED, XrayRun, XrayServedRun


def newest_completed(session: Session, owner_id: int) -> int | None:
    """The number of the run that was completed last; None where there is none."""
    query = select(XrayRun.id).where(
        XrayRun.owner_id == owner_id,
        XrayRun.status == COMPLETED,
        XrayRun.artifact_id.is_not(None),
    )
    return session.scalar(query.order_by(XrayRun.end_time.desc(), XrayRun.id.desc()).limit(1))


def chosen(session: Session, owner_id: int) -> int | None:
    """The number of the run that was chosen to answer; None where none was."""
    query = select(XrayServedRun.run_id).where(XrayServedRun.owner_id == owner_id)
    return session.scalar(query)


def choose(session: Session, owner_id: int, run_id: int | None) -> None:
    """Another one, or none."""
    session.execute(delete(XrayServedRun).where(XrayServedRun.owner_id == owner_id))
    if run_id is not None:
        session.add(XrayServedRun(owner_id=owner_id, run_id=run_id))
