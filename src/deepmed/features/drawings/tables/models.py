"""Models of age groups, who took part in them, and the rules by which they flag."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepmed.kit import clock
from deepmed.kit.database import Base, Owned


class AgeGroupModel(Owned, Base):
    """A model of the typical drawings of an age group; its files are the registry's artefact.

    `active_key` is the range while the model is active and null otherwise, so that the database
    itself refuses a second active model of the same range.
    """

    __tablename__ = "age_group_models"
    __table_args__ = (
        UniqueConstraint("owner_id", "active_key"),
        UniqueConstraint("owner_id", "recipe_hash"),
        CheckConstraint("age_max > age_min", name="age_order"),
        Index(None, "owner_id", "is_active"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), default="group")
    """`group`; `subject` for a group's model that looks at the subject; or `pooled` for the one
    model over all groups (subject part)."""
    age_min: Mapped[float]
    age_max: Mapped[float]
    upper_closed: Mapped[bool] = mapped_column(default=False)
    model_type: Mapped[str] = mapped_column(String(40))
    vision_model: Mapped[str] = mapped_column(String(200))
    """The identity key of the encoder whose vectors this model takes."""
    parameters: Mapped[dict[str, Any]]
    sample_count: Mapped[int]
    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifacts.id", ondelete="RESTRICT"), index=True
    )
    recipe_hash: Mapped[str] = mapped_column(String(64))
    active_key: Mapped[str | None] = mapped_column(String(80))
    is_active: Mapped[bool] = mapped_column(default=False)
    needs_retraining: Mapped[bool] = mapped_column(default=False)
    created_timestamp: Mapped[datetime] = mapped_column(default=clock.now)


class ModelMember(Base):
    """A drawing that took part in a model, and how: the model's part and the twin's."""

    __tablename__ = "age_group_model_members"
    __table_args__ = (
        UniqueConstraint("model_id", "drawing_id"),
        Index(None, "model_id", "child_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("age_group_models.id", ondelete="CASCADE"))
    drawing_id: Mapped[int] = mapped_column(
        ForeignKey("drawings.id", ondelete="CASCADE"), index=True
    )
    child_id: Mapped[int] = mapped_column(
        ForeignKey("drawing_children.id", ondelete="CASCADE"), index=True
    )
    part: Mapped[str | None] = mapped_column(String(12))
    """`fit`, `borrowed` or `calibration` in the model itself."""
    twin_part: Mapped[str | None] = mapped_column(String(12))
    """The same in its twin; null where the twin does not know the drawing."""
    score: Mapped[float | None]
    """The model's score of a calibration drawing; null for others."""
    twin_score: Mapped[float | None]
    """The twin's score of a twin-calibration drawing; null for others."""


class ThresholdSetting(Owned, Base):
    """A version of the flagging rule; the newest one counts. Rows are only ever added."""

    __tablename__ = "threshold_settings"
    __table_args__ = (
        Index(None, "owner_id", "id"),
        CheckConstraint("(percentile IS NULL) <> (threshold IS NULL)", name="one_rule"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int | None] = mapped_column(
        ForeignKey("age_group_models.id", ondelete="CASCADE"), index=True
    )
    """Null: for every model without a rule of its own."""
    percentile: Mapped[float | None]
    threshold: Mapped[float | None]
    created_timestamp: Mapped[datetime] = mapped_column(default=clock.now)


class GroupingSetting(Owned, Base):
    """How age groups are suggested to an owner; without a row as the installation does it."""

    __tablename__ = "age_grouping_settings"
    __table_args__ = (
        UniqueConstraint("owner_id"),
        CheckConstraint("min_samples >= 10 AND max_span > 0", name="usable"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    strategy: Mapped[str] = mapped_column(String(10))
    min_samples: Mapped[int]
    max_span: Mapped[float]
