"""Children, their drawings, what encoders made of them, and how they came in."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned

_TYPICAL = (
    "(expert_label IS NULL OR expert_label = 'normal') AND is_blank IS {false} AND "
    "withdrawn IS {false} AND duplicate_of IS NULL"
)
_MARKED = "expert_label != 'normal' OR withdrawn IS {true} OR duplicate_of IS NOT NULL"
Bytes = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


class Child(Owned, Base):
    """Whose drawings belong together. A drawing without a child id gets a child of its own.

    `code` is the caller's child id, null where none was given: such drawings count as separate
    children, and reports say so.
    """

    __tablename__ = "drawing_children"
    __table_args__ = (UniqueConstraint("owner_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(String(100))


class Drawing(Owned, Base):
    """A picture as it is stored: re-encoded, upright, on white, without metadata."""

    __tablename__ = "drawings"
    __table_args__ = (
        UniqueConstraint("owner_id", "source_hash"),
        CheckConstraint("age_years >= 2 AND age_years <= 18", name="age_range"),
        Index("ix_drawings_of_age", "owner_id", "age_years", "child_id", "is_blank"),
        Index("ix_drawings_of_subject", "owner_id", "subject", "age_years"),
        Index(None, "owner_id", "expert_label"),
        Index(None, "owner_id", "upload_timestamp", "id"),
        Index(None, "owner_id", "pixel_hash"),
        # The few drawings that statistics must look at one by one; the others are only counted.
        Index(
            "ix_drawings_marked",
            "owner_id",
            "expert_label",
            "withdrawn",
            "duplicate_of",
            postgresql_where=text(_MARKED.format(true="true")),
            sqlite_where=text(_MARKED.format(true="1")),
        ),
        # What is counted of the drawings that may train.
        Index(
            "ix_drawings_typical",
            "owner_id",
            "age_years",
            "subject",
            "child_id",
            # SQLite looks at what the condition is about again, so these too.
            "expert_label",
            "is_blank",
            "withdrawn",
            "duplicate_of",
            postgresql_where=text(_TYPICAL.format(false="false")),
            sqlite_where=text(_TYPICAL.format(false="0")),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    child_id: Mapped[int] = mapped_column(
        ForeignKey("drawing_children.id", ondelete="CASCADE"), index=True
    )
    dataset_id: Mapped[int | None] = mapped_column(
        ForeignKey("datasets.id", ondelete="SET NULL"), index=True
    )
    filename: Mapped[str] = mapped_column(String(255))
    original_name: Mapped[str] = mapped_column(String(500))
    file_path: Mapped[str] = mapped_column(String(255))
    source_hash: Mapped[str] = mapped_column(String(64))
    pixel_hash: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    age_years: Mapped[float]
    age_precision: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str | None] = mapped_column(String(100))
    expert_label: Mapped[str | None] = mapped_column(String(20))
    drawing_tool: Mapped[str | None] = mapped_column(String(50))
    prompt: Mapped[str | None] = mapped_column(Text)
    ink_coverage: Mapped[float]
    is_blank: Mapped[bool] = mapped_column(default=False)
    withdrawn: Mapped[bool] = mapped_column(default=False)
    duplicate_of: Mapped[int | None] = mapped_column(
        ForeignKey("drawings.id", ondelete="SET NULL"), index=True
    )
    upload_timestamp: Mapped[datetime] = mapped_column(default=clock.now)

    child: Mapped[Child] = relationship(lazy="joined", innerjoin=True)


class DrawingEmbedding(Base):
    """A vector as raw little-endian float32, with all that tells which encoder made it."""

    __tablename__ = "drawing_embeddings"
    __table_args__ = (UniqueConstraint("drawing_id", "encoder"), Index(None, "encoder", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    drawing_id: Mapped[int] = mapped_column(ForeignKey("drawings.id", ondelete="CASCADE"))
    encoder: Mapped[str] = mapped_column(String(200))
    """The encoder's identity key: name, version, weights, preprocessing and precision."""
    encoder_name: Mapped[str] = mapped_column(String(100))
    encoder_version: Mapped[str] = mapped_column(String(40))
    weight_hash: Mapped[str] = mapped_column(String(64))
    preprocessing_version: Mapped[str] = mapped_column(String(40))
    vector_dimension: Mapped[int]
    vector_hash: Mapped[str] = mapped_column(String(64))
    embedding_vector: Mapped[bytes] = mapped_column(Bytes)
    created_timestamp: Mapped[datetime] = mapped_column(default=clock.now)


class ImportRun(Owned, Base):
    """One import: how far it came and what it refused, so that a re-run completes it."""

    __tablename__ = "drawing_imports"
    __table_args__ = (Index(None, "owner_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    source: Mapped[str] = mapped_column(String(500))
    status: Mapped[str] = mapped_column(String(20))
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any]]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]
