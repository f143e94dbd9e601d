"""Trainings on X-rays, what they said, and their figures."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deepmed.kit.database import UtcDateTime

revision = "0011"
down_revision = "0010"
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
        "xray_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("run_description", sa.String(length=1024), nullable=False),
        sa.Column("training_mode", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("source_path", sa.String(length=1024), nullable=False),
        sa.Column("csv_filename", sa.String(length=255), nullable=True),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("split_digest", sa.String(length=64), nullable=True),
        sa.Column("artifact_id", sa.Integer(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=True),
        sa.Column("start_time", UtcDateTime(), nullable=False),
        sa.Column("end_time", UtcDateTime(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('in_progress', 'completed', 'failed')",
            name=op.f("ck_xray_runs_known_status"),
        ),
        sa.CheckConstraint(
            "training_mode IN ('centralized', 'federated')", name=op.f("ck_xray_runs_known_mode")
        ),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
            name=op.f("fk_xray_runs_artifact_id_artifacts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_xray_runs_job_id_jobs"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_xray_runs_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_runs")),
        sa.UniqueConstraint("job_id", name=op.f("uq_xray_runs_job_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_xray_runs_uid")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_xray_runs_artifact_id"), "xray_runs", ["artifact_id"], unique=False)
    op.create_index(
        op.f("ix_xray_runs_owner_id_status_id"),
        "xray_runs",
        ["owner_id", "status", "id"],
        unique=False,
    )
    op.create_table(
        "xray_run_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("timestamp", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["xray_runs.id"],
            name=op.f("fk_xray_run_events_run_id_xray_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_run_events")),
        sa.UniqueConstraint("run_id", "sequence", name=op.f("uq_xray_run_events_run_id_sequence")),
        **OPTIONS,
    )
    op.create_table(
        "xray_run_metrics",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("metric_name", sa.String(length=255), nullable=False),
        sa.Column("metric_value", sa.Double(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("dataset_type", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["xray_runs.id"],
            name=op.f("fk_xray_run_metrics_run_id_xray_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_run_metrics")),
        sa.UniqueConstraint(
            "run_id",
            "metric_name",
            "step",
            name=op.f("uq_xray_run_metrics_run_id_metric_name_step"),
        ),
        **OPTIONS,
    )
    op.create_table(
        "xray_defaults",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_xray_defaults_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_defaults")),
        sa.UniqueConstraint("owner_id", name=op.f("uq_xray_defaults_owner_id")),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("xray_defaults")
    op.drop_table("xray_run_metrics")
    op.drop_table("xray_run_events")
    op.drop_table("xray_runs")
