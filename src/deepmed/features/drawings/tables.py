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
        Index(None, "owner_id", "age_years"),
        Index(None, "owner_id", "subject"),
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


class AnomalyAnalysis(Owned, Base):
    """One drawing under one model and one flagging rule."""

    __tablename__ = "anomaly_analyses"
    __table_args__ = (
        UniqueConstraint("owner_id", "drawing_id", "inputs_hash"),
        Index(None, "owner_id", "analysis_timestamp"),
        Index(None, "drawing_id", "sequence"),
        Index(None, "sequence"),
        Index(None, "age_group_model_id", "current_of"),
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


class TrainingJob(Owned, Base):
    """A training on a folder of drawings; how far it is and how it ended is the ledger's to say."""

    __tablename__ = "training_jobs"
    __table_args__ = (
        UniqueConstraint("job_id"),
        CheckConstraint("environment IN ('local', 'sagemaker')", name="known_environment"),
        CheckConstraint("stage IN ('preparing', 'training')", name="known_stage"),
        Index(None, "owner_id", "environment", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    """Its line in the ledger."""
    job_name: Mapped[str] = mapped_column(String(200))
    environment: Mapped[str] = mapped_column(String(20))
    config_parameters: Mapped[dict[str, Any]]
    dataset_path: Mapped[str] = mapped_column(String(1000))
    """A name below the operator's folder of datasets, or a path that the command line was given."""
    metadata_file: Mapped[str] = mapped_column(String(1000))
    by_path: Mapped[bool] = mapped_column(default=False)
    """Whether the two are paths of this machine; no request can say so."""
    stage: Mapped[str] = mapped_column(String(20), default="preparing")
    sagemaker_job_name: Mapped[str | None] = mapped_column(String(63))
    sagemaker_job_arn: Mapped[str | None] = mapped_column(String(256))


class TrainingReport(Owned, Base):
    """What a training came to; the model, the items and the whole report are the artefact's."""

    __tablename__ = "training_reports"
    __table_args__ = (UniqueConstraint("training_job_id"), Index(None, "owner_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    training_job_id: Mapped[int] = mapped_column(ForeignKey("training_jobs.id", ondelete="CASCADE"))
    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifacts.id", ondelete="RESTRICT"), index=True
    )
    final_loss: Mapped[float]
    validation_accuracy: Mapped[float | None]
    best_epoch: Mapped[int]
    training_time_seconds: Mapped[float]
    metrics_summary: Mapped[dict[str, Any]]
    created_timestamp: Mapped[datetime] = mapped_column(default=clock.now)
