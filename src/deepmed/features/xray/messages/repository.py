"""All SQL of runs' messages, in the caller's session."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from deepmed.features.xray.runs.repository import events
from deepmed.features.xray.tables import IN_PROGRESS, XrayRun, XrayRunEvent

__all__ = ["changed", "events", "heads", "last_before"]


def heads(session: Session, ids: Collection[int]) -> dict[int, int]:
    """The number of each run's last message; a run that has said nothing is left out."""
    return _heads(session, XrayRun.id.in_(ids))


def changed(session: Session, owner_id: int, since: datetime) -> dict[int, int]:
    """The same of each run that is in progress, or ended since: others say nothing."""
    lately = or_(XrayRun.status == IN_PROGRESS, XrayRun.end_time >= since)
    return _heads(session, XrayRun.owner_id == owner_id, lately)


def last_before(session: Session, run_id: int, moment: str) -> int:
    """The number of the run's last message before a moment; -1 where there was none."""
    query = select(func.max(XrayRunEvent.sequence)).where(
        XrayRunEvent.run_id == run_id, XrayRunEvent.timestamp < moment
    )
    found = session.scalar(query)
    return -1 if found is None else found


def _heads(session: Session, *which: ColumnElement[bool]) -> dict[int, int]:
    # One look at the end of an index for each run; grouping would read all of its messages.
    last = select(func.max(XrayRunEvent.sequence)).where(XrayRunEvent.run_id == XrayRun.id)
    query = select(XrayRun.id, last.scalar_subquery()).where(*which)
    return {found[0]: found[1] for found in session.execute(query) if found[1] is not None}
