"""Children's drawings: pictures, vectors, models, analyses and imports."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from deepmed.kit.database import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "sqlite_autoincrement": True,
}


def upgrade() -> None:
    op.create_table(
        "analysis_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=60), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("q_values", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_analysis_batches_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analysis_batches")),
        sa.UniqueConstraint("uid", name=op.f("uq_analysis_batches_uid")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_analysis_batches_owner_id_id"),
        "analysis_batches",
        ["owner_id", "id"],
        unique=False,
    )
    op.create_table(
        "drawing_children",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_drawing_children_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawing_children")),
        sa.UniqueConstraint("owner_id", "code", name=op.f("uq_drawing_children_owner_id_code")),
        **OPTIONS,
    )
    op.create_table(
        "drawing_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_drawing_imports_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawing_imports")),
        sa.UniqueConstraint("uid", name=op.f("uq_drawing_imports_uid")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_drawing_imports_owner_id_id"), "drawing_imports", ["owner_id", "id"], unique=False
    )
    op.create_table(
        "drawings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=True),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("original_name", sa.String(length=500), nullable=False),
        sa.Column("file_path", sa.String(length=255), nullable=False),
        sa.Column("source_hash", sa.String(length=64), nullable=False),
        sa.Column("pixel_hash", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("age_years", sa.Double(), nullable=False),
        sa.Column("age_precision", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=True),
        sa.Column("expert_label", sa.String(length=20), nullable=True),
        sa.Column("drawing_tool", sa.String(length=50), nullable=True),
        sa.Column("prompt", sa.Text(), nullable=True),
        sa.Column("ink_coverage", sa.Double(), nullable=False),
        sa.Column("is_blank", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("duplicate_of", sa.Integer(), nullable=True),
        sa.Column("upload_timestamp", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "age_years >= 2 AND age_years <= 18", name=op.f("ck_drawings_age_range")
        ),
        sa.ForeignKeyConstraint(
            ["child_id"],
            ["drawing_children.id"],
            name=op.f("fk_drawings_child_id_drawing_children"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_drawings_dataset_id_datasets"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of"],
            ["drawings.id"],
            name=op.f("fk_drawings_duplicate_of_drawings"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_drawings_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawings")),
        sa.UniqueConstraint(
            "owner_id", "source_hash", name=op.f("uq_drawings_owner_id_source_hash")
        ),
        **OPTIONS,
    )
    op.create_index(op.f("ix_drawings_child_id"), "drawings", ["child_id"], unique=False)
    op.create_index(op.f("ix_drawings_dataset_id"), "drawings", ["dataset_id"], unique=False)
    op.create_index(op.f("ix_drawings_duplicate_of"), "drawings", ["duplicate_of"], unique=False)
    op.create_index(
        op.f("ix_drawings_owner_id_age_years"), "drawings", ["owner_id", "age_years"], unique=False
    )
    op.create_index(
        op.f("ix_drawings_owner_id_expert_label"),
        "drawings",
        ["owner_id", "expert_label"],
        unique=False,
    )
    op.create_index(
        op.f("ix_drawings_owner_id_pixel_hash"),
        "drawings",
        ["owner_id", "pixel_hash"],
        unique=False,
    )
    op.create_index(
        op.f("ix_drawings_owner_id_subject"), "drawings", ["owner_id", "subject"], unique=False
    )
    op.create_index(
        op.f("ix_drawings_owner_id_upload_timestamp_id"),
        "drawings",
        ["owner_id", "upload_timestamp", "id"],
        unique=False,
    )
    op.create_index(
        "ix_drawings_marked",
        "drawings",
        ["owner_id", "expert_label", "withdrawn", "duplicate_of"],
        unique=False,
        postgresql_where=sa.text(
            "expert_label != 'normal' OR withdrawn IS true OR duplicate_of IS NOT NULL"
        ),
        sqlite_where=sa.text(
            "expert_label != 'normal' OR withdrawn IS 1 OR duplicate_of IS NOT NULL"
        ),
    )
    op.create_table(
        "age_group_models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("age_min", sa.Double(), nullable=False),
        sa.Column("age_max", sa.Double(), nullable=False),
        sa.Column("upper_closed", sa.Boolean(), nullable=False),
        sa.Column("model_type", sa.String(length=40), nullable=False),
        sa.Column("vision_model", sa.String(length=200), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("recipe_hash", sa.String(length=64), nullable=False),
        sa.Column("active_key", sa.String(length=80), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("needs_retraining", sa.Boolean(), nullable=False),
        sa.Column("created_timestamp", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("age_max > age_min", name=op.f("ck_age_group_models_age_order")),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
            name=op.f("fk_age_group_models_artifact_id_artifacts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_age_group_models_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_age_group_models")),
        sa.UniqueConstraint(
            "owner_id", "active_key", name=op.f("uq_age_group_models_owner_id_active_key")
        ),
        sa.UniqueConstraint(
            "owner_id", "recipe_hash", name=op.f("uq_age_group_models_owner_id_recipe_hash")
        ),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_age_group_models_artifact_id"), "age_group_models", ["artifact_id"], unique=False
    )
    op.create_index(
        op.f("ix_age_group_models_owner_id_is_active"),
        "age_group_models",
        ["owner_id", "is_active"],
        unique=False,
    )
    op.create_table(
        "drawing_embeddings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("drawing_id", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.String(length=200), nullable=False),
        sa.Column("encoder_name", sa.String(length=100), nullable=False),
        sa.Column("encoder_version", sa.String(length=40), nullable=False),
        sa.Column("weight_hash", sa.String(length=64), nullable=False),
        sa.Column("preprocessing_version", sa.String(length=40), nullable=False),
        sa.Column("vector_dimension", sa.Integer(), nullable=False),
        sa.Column("vector_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "embedding_vector",
            sa.LargeBinary()
            .with_variant(mysql.LONGBLOB(), "mariadb")
            .with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
        ),
        sa.Column("created_timestamp", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["drawing_id"],
            ["drawings.id"],
            name=op.f("fk_drawing_embeddings_drawing_id_drawings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawing_embeddings")),
        sa.UniqueConstraint(
            "drawing_id", "encoder", name=op.f("uq_drawing_embeddings_drawing_id_encoder")
        ),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_drawing_embeddings_encoder_id"),
        "drawing_embeddings",
        ["encoder", "id"],
        unique=False,
    )
    op.create_table(
        "age_group_model_members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("drawing_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=12), nullable=True),
        sa.Column("twin_part", sa.String(length=12), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("twin_score", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["child_id"],
            ["drawing_children.id"],
            name=op.f("fk_age_group_model_members_child_id_drawing_children"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["drawing_id"],
            ["drawings.id"],
            name=op.f("fk_age_group_model_members_drawing_id_drawings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["age_group_models.id"],
            name=op.f("fk_age_group_model_members_model_id_age_group_models"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_age_group_model_members")),
        sa.UniqueConstraint(
            "model_id", "drawing_id", name=op.f("uq_age_group_model_members_model_id_drawing_id")
        ),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_age_group_model_members_child_id"),
        "age_group_model_members",
        ["child_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_age_group_model_members_drawing_id"),
        "age_group_model_members",
        ["drawing_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_age_group_model_members_model_id_child_id"),
        "age_group_model_members",
        ["model_id", "child_id"],
        unique=False,
    )
    op.create_table(
        "anomaly_analyses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("drawing_id", sa.Integer(), nullable=False),
        sa.Column("age_group_model_id", sa.Integer(), nullable=True),
        sa.Column("inputs_hash", sa.String(length=64), nullable=False),
        sa.Column("current_of", sa.Integer(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=12), nullable=True),
        sa.Column("anomaly_score", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("normalized_score", sa.Double(), nullable=True),
        sa.Column("is_anomaly", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("analysis_timestamp", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["age_group_model_id"],
            ["age_group_models.id"],
            name=op.f("fk_anomaly_analyses_age_group_model_id_age_group_models"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["drawing_id"],
            ["drawings.id"],
            name=op.f("fk_anomaly_analyses_drawing_id_drawings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_anomaly_analyses_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomaly_analyses")),
        sa.UniqueConstraint("current_of", name=op.f("uq_anomaly_analyses_current_of")),
        sa.UniqueConstraint(
            "owner_id",
            "drawing_id",
            "inputs_hash",
            name=op.f("uq_anomaly_analyses_owner_id_drawing_id_inputs_hash"),
        ),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_anomaly_analyses_age_group_model_id_current_of"),
        "anomaly_analyses",
        ["age_group_model_id", "current_of"],
        unique=False,
    )
    op.create_index(
        "ix_anomaly_analyses_current",
        "anomaly_analyses",
        ["owner_id", "decision", "role", "is_anomaly", "current_of"],
        unique=False,
        postgresql_where=sa.text("current_of IS NOT NULL"),
        sqlite_where=sa.text("current_of IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_anomaly_analyses_drawing_id_sequence"),
        "anomaly_analyses",
        ["drawing_id", "sequence"],
        unique=False,
    )
    op.create_index(
        op.f("ix_anomaly_analyses_owner_id_analysis_timestamp"),
        "anomaly_analyses",
        ["owner_id", "analysis_timestamp"],
        unique=False,
    )
    op.create_index(
        op.f("ix_anomaly_analyses_sequence"), "anomaly_analyses", ["sequence"], unique=False
    )
    op.create_table(
        "threshold_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("percentile", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("created_timestamp", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(percentile IS NULL) <> (threshold IS NULL)",
            name=op.f("ck_threshold_settings_one_rule"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["age_group_models.id"],
            name=op.f("fk_threshold_settings_model_id_age_group_models"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_threshold_settings_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold_settings")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_threshold_settings_model_id"), "threshold_settings", ["model_id"], unique=False
    )
    op.create_index(
        op.f("ix_threshold_settings_owner_id_id"),
        "threshold_settings",
        ["owner_id", "id"],
        unique=False,
    )
    op.create_table(
        "age_grouping_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("strategy", sa.String(length=10), nullable=False),
        sa.Column("min_samples", sa.Integer(), nullable=False),
        sa.Column("max_span", sa.Double(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "min_samples >= 10 AND max_span > 0", name=op.f("ck_age_grouping_settings_usable")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_age_grouping_settings_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_age_grouping_settings")),
        sa.UniqueConstraint("owner_id", name=op.f("uq_age_grouping_settings_owner_id")),
        **OPTIONS,
    )
    op.create_table(
        "interpretability_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("analysis_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("saliency_map_path", sa.String(length=255), nullable=False),
        sa.Column("overlay_image_path", sa.String(length=255), nullable=False),
        sa.Column("importance_regions", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("faithfulness", sa.JSON(), nullable=False),
        sa.Column("created_timestamp", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["anomaly_analyses.id"],
            name=op.f("fk_interpretability_results_analysis_id_anomaly_analyses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interpretability_results")),
        sa.UniqueConstraint(
            "analysis_id", "method", name=op.f("uq_interpretability_results_analysis_id_method")
        ),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("interpretability_results")
    op.drop_table("age_grouping_settings")
    op.drop_table("threshold_settings")
    op.drop_table("anomaly_analyses")
    op.drop_table("age_group_model_members")
    op.drop_table("drawing_embeddings")
    op.drop_table("age_group_models")
    op.drop_table("drawings")
    op.drop_table("drawing_imports")
    op.drop_table("drawing_children")
    op.drop_table("analysis_batches")
