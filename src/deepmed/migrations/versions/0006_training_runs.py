"""Trainings on folders of drawings, and what they came to."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deepmed.kit.database import UtcDateTime

revision = "0006"
down_revision = "0005"
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
        "training_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("job_name", sa.String(length=200), nullable=False),
        sa.Column("environment", sa.String(length=20), nullable=False),
        sa.Column("config_parameters", sa.JSON(), nullable=False),
        sa.Column("dataset_path", sa.String(length=1000), nullable=False),
        sa.Column("metadata_file", sa.String(length=1000), nullable=False),
        sa.Column("by_path", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("sagemaker_job_name", sa.String(length=63), nullable=True),
        sa.Column("sagemaker_job_arn", sa.String(length=256), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "environment IN ('local', 'sagemaker')", name=op.f("ck_training_jobs_known_environment")
        ),
        sa.CheckConstraint(
            "stage IN ('preparing', 'training')", name=op.f("ck_training_jobs_known_stage")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_training_jobs_job_id_jobs"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_training_jobs_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_jobs")),
        sa.UniqueConstraint("job_id", name=op.f("uq_training_jobs_job_id")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_training_jobs_owner_id_environment_id"),
        "training_jobs",
        ["owner_id", "environment", "id"],
        unique=False,
    )
    op.create_table(
        "training_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("training_job_id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("final_loss", sa.Double(), nullable=False),
        sa.Column("validation_accuracy", sa.Double(), nullable=True),
        sa.Column("best_epoch", sa.Integer(), nullable=False),
        sa.Column("training_time_seconds", sa.Double(), nullable=False),
        sa.Column("metrics_summary", sa.JSON(), nullable=False),
        sa.Column("created_timestamp", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
            name=op.f("fk_training_reports_artifact_id_artifacts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_training_reports_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["training_job_id"],
            ["training_jobs.id"],
            name=op.f("fk_training_reports_training_job_id_training_jobs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_reports")),
        sa.UniqueConstraint("training_job_id", name=op.f("uq_training_reports_training_job_id")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_training_reports_artifact_id"), "training_reports", ["artifact_id"], unique=False
    )
    op.create_index(
        op.f("ix_training_reports_owner_id"), "training_reports", ["owner_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("training_reports")
    op.drop_table("training_jobs")
