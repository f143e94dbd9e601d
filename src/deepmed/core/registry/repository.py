from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from deepmed.core.datasets.tables import Dataset
from deepmed.core.registry.tables import Artifact


def by_uid(session: Session, owner_id: int, uid: str) -> Artifact | None:
    query = select(Artifact).where(Artifact.owner_id == owner_id, Artifact.uid == uid)
    return session.scalars(query).one_or_none()


def by_recipe(session: Session, owner_id: int, recipe_hash: str) -> Artifact | None:
    query = select(Artifact).where(
        Artifact.owner_id == owner_id, Artifact.recipe_hash == recipe_hash
    )
    return session.scalars(query).one_or_none()


def page(
    session: Session, owner_id: int, kind: str | None, before: int | None, limit: int
) -> Sequence[Artifact]:
    """Newest first; the next page begins before the last id of this one."""
    query = select(Artifact).where(Artifact.owner_id == owner_id)
    if kind is not None:
        query = query.where(Artifact.kind == kind)
    if before is not None:
        query = query.where(Artifact.id < before)
    return session.scalars(query.order_by(Artifact.id.desc()).limit(limit)).all()


def replace(session: Session, old: Artifact, **values: object) -> bool:
    """Change the row unless somebody else revised it first."""
    query = update(Artifact).where(Artifact.id == old.id, Artifact.revision == old.revision)
    result = cast("CursorResult[Any]", session.execute(query.values(**values)))
    return result.rowcount == 1


def remove(session: Session, artifact_id: int) -> None:
    session.execute(delete(Artifact).where(Artifact.id == artifact_id))


def datasets(session: Session, owner_id: int, ids: Iterable[int]) -> Sequence[Dataset]:
    query = select(Dataset).where(Dataset.owner_id == owner_id, Dataset.id.in_(list(ids)))
    return session.scalars(query.order_by(Dataset.id)).all()


def revisions(session: Session, uids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """The current revision and manifest of artefacts, whoever owns them."""
    query = select(Artifact.uid, Artifact.revision, Artifact.manifest_hash)
    rows = session.execute(query.where(Artifact.uid.in_(list(uids))))
    return {row.uid: (row.revision, row.manifest_hash) for row in rows}
