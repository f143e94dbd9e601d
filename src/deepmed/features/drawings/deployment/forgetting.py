"""What a deletion leaves to do in exports: they hold scores of those who are gone (D-30)."""

from sqlalchemy.orm import Session

from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.deployment import repository, sources
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import ConflictError, IntegrityError, NotFoundError


def forget(bench: Workbench) -> list[str]:
    """Delete exports of models in which somebody was deleted or moved since; returns their ids.

    What other installations were given stays with them: the answer to a deletion cannot reach it.
    """
    with bench.database.read() as session:
        doomed = [
            row.uid
            for row in repository.exports(session, bench.owner_id)
            if _outdated(bench, session, row)
        ]
    return [uid for uid in doomed if _delete(bench, uid)]


def _outdated(bench: Workbench, session: Session, export: Artifact) -> bool:
    original = repository.original_of(session, export)
    if original is None:
        return False
    try:
        written = bench.registry.package(export.uid).manifest.provenance["configuration"]
        return bool(written["version"] != sources.version_of(bench, session, original))
    except (IntegrityError, NotFoundError):  # damaged, so never used; or gone meanwhile
        return False


def _delete(bench: Workbench, uid: str) -> bool:
    try:
        bench.registry.delete(uid)
    except (ConflictError, NotFoundError):  # a model rests on it, or another process was faster
        return False
    return True
