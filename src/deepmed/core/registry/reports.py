"""What the registry tells about an artefact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepmed.core.registry import repository
from deepmed.core.registry.tables import Artifact
from deepmed.kit.errors import NotFoundError

if TYPE_CHECKING:
    from deepmed.core.registry.service import ArtifactRegistry


@dataclass(frozen=True)
class VerifyReport:
    """What a check of an artefact found; no problems means that all is as it was signed."""

    uid: str
    kind: str
    revision: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Lineage:
    """From the data to the use: datasets, run, the artefact, what it stands on and carries."""

    uid: str
    kind: str
    stage: str
    """How it is deployed."""
    run: str | None
    datasets: tuple[dict[str, Any], ...]
    parents: tuple[dict[str, Any], ...]
    children: tuple[dict[str, Any], ...]


def trace(registry: "ArtifactRegistry", row: Artifact) -> Lineage:
    ids = {*row.lineage.get("datasets", []), row.dataset_id} - {None}
    with registry.database.read() as session:
        found = repository.datasets(session, registry.owner_id, ids)
        datasets = tuple(
            {
                "id": item.id,
                "name": item.name,
                "version": item.version,
                "content_hash": item.content_hash,
            }
            for item in found
        )
    return Lineage(
        uid=row.uid,
        kind=row.kind,
        stage=row.stage,
        run=row.lineage.get("run"),
        datasets=datasets,
        parents=tuple(_parent(registry, uid) for uid in _parents(row)),
        children=tuple(_node(item) for item in registry.walk() if row.uid in _parents(item)),
    )


def _parents(row: Artifact) -> Sequence[str]:
    found: Sequence[str] = row.lineage.get("parents", [])
    return found


def _parent(registry: "ArtifactRegistry", uid: str) -> dict[str, Any]:
    try:
        return _node(registry.find(uid))
    except NotFoundError:  # deleted since; that it was there is part of the truth
        return {"uid": uid, "kind": None, "stage": "deleted"}


def _node(row: Artifact) -> dict[str, Any]:
    return {"uid": row.uid, "kind": row.kind, "stage": row.stage}
