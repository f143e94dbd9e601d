"""What people make of an analysis: their notes, and files to take along."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned


class Annotation(Owned, Base):
    """What a person noted to an analysis; what it says is its newest version."""

    __tablename__ = "drawing_annotations"
    __table_args__ = (
        UniqueConstraint("uid"),
        Index(None, "analysis_id", "id"),
        Index(None, "owner_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    analysis_id: Mapped[int] = mapped_column(ForeignKey("anomaly_analyses.id", ondelete="CASCADE"))

    versions: Mapped[list["AnnotationVersion"]] = relationship(
        lazy="selectin", order_by="AnnotationVersion.version", passive_deletes=True
    )


class AnnotationVersion(Base):
    """An annotation as it was written, changed or deleted. Rows are only ever added.

    The unique number refuses a second change of the same version.
    """

    __tablename__ = "annotation_versions"
    __table_args__ = (UniqueConstraint("annotation_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(
        ForeignKey("drawing_annotations.id", ondelete="CASCADE")
    )
    version: Mapped[int]
    deed: Mapped[str] = mapped_column(String(10))
    """`created`, `edited` or `deleted`."""
    region_id: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(String(20))
    author: Mapped[str] = mapped_column(String(100))
    """Whom the server let in."""
    user_id: Mapped[str | None] = mapped_column(String(100))
    """As the author signed; nobody checks it."""
    at: Mapped[datetime] = mapped_column(default=clock.now)


class ExplanationExport(Owned, Base):
    """A file made of an analysis and its explanation; both go when it expires."""

    __tablename__ = "drawing_exports"
    __table_args__ = (
        UniqueConstraint("uid"),
        Index(None, "analysis_id"),
        Index(None, "owner_id", "id"),
        Index(None, "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    analysis_id: Mapped[int] = mapped_column(ForeignKey("anomaly_analyses.id", ondelete="CASCADE"))
    format: Mapped[str] = mapped_column(String(10))
    file_path: Mapped[str] = mapped_column(String(255))
    file_size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
