"""SQL of which run answers."""

from collections.abc import Sequence

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from deepmed.features.xray.tables import COMPLETED, XrayRun, XrayServedRun

_AT_ONCE = 20
"""Runs whose results are looked into at a time: they are long, and one of the first is enough."""
_TESTED = XrayRun.results[("images", "test")].as_integer() > 0
_ON_ALL = func.coalesce(XrayRun.configuration[("system", "sample_fraction")].as_float(), 1.0) >= 1
_OF_TWO = XrayRun.results[("operating_point", "threshold")].as_float().is_not(None)


def is_any_completed(session: Session, owner_id: int) -> bool:
    """Whether some run could answer where it is named."""
    query = _completed(owner_id).limit(1)
    return session.scalar(query) is not None


def unbidden(session: Session, owner_id: int) -> int | None:
    """The number of the run that answers where none was chosen; None where there is none.

    The newest that was tested, on all images, and trains none again; one of several classes only
    where none is of two.
    """
    query = _completed(owner_id).where(XrayRun.reproduces.is_(None))
    newest = session.scalars(query.order_by(XrayRun.end_time.desc(), XrayRun.id.desc())).all()
    several = None
    for start in range(0, len(newest), _AT_ONCE):
        found = _fit(session, newest[start : start + _AT_ONCE])
        of_two = next((number for number in newest if found.get(number)), None)
        if of_two is not None:
            return of_two
        several = several or next((number for number in newest if number in found), None)
    return several


def _fit(session: Session, numbers: Sequence[int]) -> dict[int, bool]:
    """Which of these may answer unbidden, and whether they are of two classes."""
    fit = select(XrayRun.id).where(XrayRun.id.in_(numbers), _TESTED, _ON_ALL)
    of_two = set(session.scalars(fit.where(_OF_TWO)))
    return {number: number in of_two for number in session.scalars(fit)}


def _completed(owner_id: int) -> Select[int]:
    return select(XrayRun.id).where(
        XrayRun.owner_id == owner_id,
        XrayRun.status == COMPLETED,
        XrayRun.artifact_id.is_not(None),
    )


def chosen(session: Session, owner_id: int) -> int | None:
    """The number of the run that was chosen to answer; None where none was."""
    query = select(XrayServedRun.run_id).where(XrayServedRun.owner_id == owner_id)
    return session.scalar(query)


def choose(session: Session, owner_id: int, run_id: int | None) -> None:
    """Another one, or none."""
    session.execute(delete(XrayServedRun).where(XrayServedRun.owner_id == owner_id))
    if run_id is not None:
        session.add(XrayServedRun(owner_id=owner_id, run_id=run_id))
