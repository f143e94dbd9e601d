from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned

STAGES = ("candidate", "production", "archived")


class Artifact(Owned, Base):
    """A signed package of files: weights, card, metrics and the predictions they rest on.

    One row an artefact; `revision` counts up and `manifest_hash` follows when its files change.
    """

    __tablename__ = "artifacts"
    __table_args__ = (
        UniqueConstraint("uid"),
        UniqueConstraint("owner_id", "recipe_hash"),
        CheckConstraint("stage IN ('candidate', 'production', 'archived')", name="known_stage"),
        CheckConstraint("revision >= 1", name="revision_counts"),
        Index(None, "owner_id", "kind", "id"),
        Index(None, "dataset_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(60))
    stage: Mapped[str] = mapped_column(String(20), default="candidate")
    recipe_hash: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(default=1)
    manifest_hash: Mapped[str] = mapped_column(String(64))
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"))
    lineage: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Deployment(Owned, Base):
    """An artefact in use somewhere, from one moment to another: the last step of its descent."""

    __tablename__ = "deployments"
    __table_args__ = (Index(None, "owner_id", "artifact_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifacts.id", ondelete="CASCADE"), index=True
    )
    place: Mapped[str] = mapped_column(String(100))
    """What it answers for, in words: a group of ages, for example."""
    details: Mapped[dict[str, Any]]
    """How it came there: the export it was deployed from, and what the check of it said."""
    deployed_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
