"""Artefacts that no model's row names: left by a killed training, or outrun by a deletion."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import repository
from deepmed.features.drawings.models.config import ARTIFACT_KIND
from deepmed.features.drawings.models.forgetting import outdated
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit import clock
from deepmed.kit.errors import ConflictError, IntegrityError, NotFoundError
from deepmed.kit.storage import ORPHAN_AGE


def is_whole(
    session: Session,
    artifact_id: int,
    files: Mapping[str, bytes],
    members: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether the artefact is there, and everybody in it as its files and members name them."""
    children = {member["drawing_id"]: member["child_id"] for member in members}
    return (
        session.get(Artifact, artifact_id) is not None
        and repository.children_of(session, children) == children
        and not outdated(session, files)
    )


def discard(bench: Workbench, uid: str) -> bool:
    """Delete an artefact unless a model has come to use it; whether it went."""
    try:
        bench.registry.delete(uid)
    except (ConflictError, NotFoundError):  # in use, or another process was faster
        return False
    return True


def forget(bench: Workbench) -> None:
    """Delete those that name deleted or moved drawings: no model will ever use them."""
    for artifact in _unused(bench):
        try:
            files = bench.registry.load(artifact.uid)
        except (IntegrityError, NotFoundError):  # damaged, or gone meanwhile
            continue
        with bench.database.read() as session:
            doomed = outdated(session, files)
        if doomed:
            discard(bench, artifact.uid)


def sweep(bench: Workbench, older_than: timedelta = ORPHAN_AGE) -> list[str]:
    """Delete the old ones; a young one may belong to a training that is running."""
    limit = clock.now() - older_than
    old = [artifact.uid for artifact in _unused(bench) if artifact.created_at <= limit]
    return [uid for uid in old if discard(bench, uid)]


def _unused(bench: Workbench) -> list[Artifact]:
    with bench.database.read() as session:
        return repository.unused_artifacts(session, bench.owner_id, ARTIFACT_KIND)
