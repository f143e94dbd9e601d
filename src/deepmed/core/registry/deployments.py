"""Which artefacts are in use, since when, and what they answered for before."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Deployment
from deepmed.kit import clock


def begin(session: Session, owner_id: int, artifact_id: int, place: str) -> None:
    """Say that an artefact is in use from now on; one that was already keeps its beginning."""
    if not _open(session, [artifact_id]):
        row = Deployment(owner_id=owner_id, artifact_id=artifact_id, place=place, details={})
        session.add(row)


def describe(session: Session, artifact_id: int, **details: Any) -> None:
    """Say how an artefact came into its present use."""
    session.flush()
    for row in _open(session, [artifact_id]):
        row.details = {**row.details, **details}


def end(session: Session, artifact_ids: Iterable[int]) -> None:
    """Say that artefacts are in use no more; for those that were not, nothing changes."""
    session.execute(
        update(Deployment)
        .where(Deployment.artifact_id.in_(list(artifact_ids)), Deployment.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def current(session: Session, artifact_ids: Iterable[int]) -> dict[int, Deployment]:
    """The present deployment of each artefact that has one."""
    return {row.artifact_id: row for row in _open(session, artifact_ids)}


def history(session: Session, owner_id: int, artifact_id: int) -> Sequence[Deployment]:
    """All deployments of an artefact, the newest first."""
    query = select(Deployment).where(
        Deployment.owner_id == owner_id, Deployment.artifact_id == artifact_id
    )
    return session.scalars(query.order_by(Deployment.id.desc())).all()


def _open(session: Session, artifact_ids: Iterable[int]) -> Sequence[Deployment]:
    query = select(Deployment).where(
        Deployment.artifact_id.in_(list(artifact_ids)), Deployment.ended_at.is_(None)
    )
    return session.scalars(query.order_by(Deployment.id)).all()
