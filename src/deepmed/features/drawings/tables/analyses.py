"""What models say of drawings, one by one and together, and what explains it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned


class AnomalyAnalysis(Owned, Base):
    """One drawing under one model and one flagging rule."""

    __tablename__ = "anomaly_analyses"
    __table_args__ = (
        UniqueConstraint("owner_id", "drawing_id", "inputs_hash"),
        Index(None, "owner_id", "analysis_timestamp"),
        Index(None, "drawing_id", "sequence"),
        Index(None, "sequence"),
        # What a model's newest answers are ranked and flagged by, without the answers' rows.
        Index(
            "ix_anomaly_analyses_ranks",
            "age_group_model_id",
            "current_of",
            "owner_id",
            "role",
            "normalized_score",
            "anomaly_score",
        ),
        # Newest answers in the order of their ranks, and of how settled they are.
        *(
            Index(
                f"ix_anomaly_analyses_by_{name}",
                "owner_id",
                "is_anomaly",
                column,
                "current_of",
                postgresql_where=text("current_of IS NOT NULL"),
                sqlite_where=text("current_of IS NOT NULL"),
            )
            for name, column in (("rank", "normalized_score"), ("confidence", "confidence"))
        ),
        # Everything that statistics count, in the order of counting, of newest answers alone.
        Index(
            "ix_anomaly_analyses_current",
            "owner_id",
            "decision",
            "role",
            "is_anomaly",
            "current_of",
            postgresql_where=text("current_of IS NOT NULL"),
            sqlite_where=text("current_of IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    drawing_id: Mapped[int] = mapped_column(ForeignKey("drawings.id", ondelete="CASCADE"))
    age_group_model_id: Mapped[int | None] = mapped_column(
        ForeignKey("age_group_models.id", ondelete="CASCADE")
    )
    inputs_hash: Mapped[str] = mapped_column(String(64))
    """Embedding, model, role and rule: the same inputs give the same row, never a second one."""
    current_of: Mapped[int | None] = mapped_column(unique=True)
    """The drawing's id while this is its newest answer and null otherwise, so that the database
    itself refuses a second one. An answer that is found again is the newest again."""
    sequence: Mapped[int] = mapped_column(default=0)
    """The newest call that gave this answer, by its `AnalysisBatch.id`: of two calls at once, the
    one that began later has the say."""
    decision: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(String(12))
    anomaly_score: Mapped[float | None]
    p_value: Mapped[float | None]
    normalized_score: Mapped[float | None]
    is_anomaly: Mapped[bool] = mapped_column(default=False)
    confidence: Mapped[float | None]
    results: Mapped[dict[str, Any]]
    """Rank, parts, thresholds and natural frequency, each defined in docs/numbers.md."""
    analysis_timestamp: Mapped[datetime] = mapped_column(default=clock.now)


class InterpretabilityResult(Base):
    """What explains an analysis: the map, the regions and the measured facts behind the text."""

    __tablename__ = "interpretability_results"
    __table_args__ = (UniqueConstraint("analysis_id", "method"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    analysis_id: Mapped[int] = mapped_column(ForeignKey("anomaly_analyses.id", ondelete="CASCADE"))
    method: Mapped[str] = mapped_column(String(40))
    saliency_map_path: Mapped[str] = mapped_column(String(255))
    overlay_image_path: Mapped[str] = mapped_column(String(255))
    importance_regions: Mapped[list[Any]]
    facts: Mapped[dict[str, Any]]
    faithfulness: Mapped[dict[str, Any]]
    created_timestamp: Mapped[datetime] = mapped_column(default=clock.now)


class AnalysisBatch(Owned, Base):
    """One call of analysis over many drawings: how far it came, and what failed."""

    __tablename__ = "analysis_batches"
    __table_args__ = (Index(None, "owner_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    status: Mapped[str] = mapped_column(String(60))
    total: Mapped[int]
    completed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    errors: Mapped[list[Any]]
    q_values: Mapped[dict[str, Any]]
    """Benjamini-Hochberg q of the new children's drawings, by drawing id."""
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    completed_at: Mapped[datetime | None]
