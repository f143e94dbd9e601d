"""What the registry tells about an artefact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepmed.core.registry import repository
from deepmed.core.registry.deployments import history
from deepmed.core.registry.tables import Artifact, Deployment
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
    deployments: tuple[dict[str, Any], ...]
    """Where it is or was in use, the newest first."""


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
        deployments = tuple(
            _deployment(item) for item in history(session, registry.owner_id, row.id)
        )
    return Lineage(
        uid=row.uid,
        kind=row.kind,
        stage=row.stage,
        run=row.lineage.get("run"),
        datasets=datasets,
        parents=tuple(_parent(registry, row, uid) for uid in _parents(row)),
        children=tuple(_node(item) for item in registry.walk() if row.uid in _parents(item)),
        deployments=deployments,
    )


def _parents(row: Artifact) -> Sequence[str]:
    found: Sequence[str] = row.lineage.get("parents", [])
    return found


def _parent(registry: "ArtifactRegistry", row: Artifact, uid: str) -> dict[str, Any]:
    try:
        return _node(registry.find(uid))
    except NotFoundError:  # that there was one is part of the truth
        stage = "elsewhere" if "imported" in row.lineage else "deleted"
        return {"uid": uid, "kind": None, "stage": stage}


def _node(row: Artifact) -> dict[str, Any]:
    return {"uid": row.uid, "kind": row.kind, "stage": row.stage}


def _deployment(row: Deployment) -> dict[str, Any]:
    return {
        "place": row.place,
        "deployed_at": row.deployed_at,
        "ended_at": row.ended_at,
        "details": row.details,
    }
