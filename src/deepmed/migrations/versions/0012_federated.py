"""Federated trainings on X-rays: clients, rounds, and the common model after each."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deepmed.kit.database import UtcDateTime

revision = "0012"
down_revision = "0011"
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
        "xray_clients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("client_identifier", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("client_config", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["xray_runs.id"],
            name=op.f("fk_xray_clients_run_id_xray_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_clients")),
        sa.UniqueConstraint(
            "run_id", "client_identifier", name=op.f("uq_xray_clients_run_id_client_identifier")
        ),
        **OPTIONS,
    )
    op.create_table(
        "xray_server_evaluations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.Column("precision", sa.Double(), nullable=True),
        sa.Column("recall", sa.Double(), nullable=True),
        sa.Column("f1_score", sa.Double(), nullable=True),
        sa.Column("auroc", sa.Double(), nullable=True),
        sa.Column("true_positives", sa.Integer(), nullable=True),
        sa.Column("true_negatives", sa.Integer(), nullable=True),
        sa.Column("false_positives", sa.Integer(), nullable=True),
        sa.Column("false_negatives", sa.Integer(), nullable=True),
        sa.Column("num_samples", sa.Integer(), nullable=False),
        sa.Column("evaluation_time", UtcDateTime(), nullable=False),
        sa.Column("additional_metrics", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["xray_runs.id"],
            name=op.f("fk_xray_server_evaluations_run_id_xray_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_server_evaluations")),
        sa.UniqueConstraint(
            "run_id", "round_number", name=op.f("uq_xray_server_evaluations_run_id_round_number")
        ),
        **OPTIONS,
    )
    op.create_table(
        "xray_rounds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("start_time", UtcDateTime(), nullable=False),
        sa.Column("end_time", UtcDateTime(), nullable=True),
        sa.Column("round_metadata", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["xray_clients.id"],
            name=op.f("fk_xray_rounds_client_id_xray_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_rounds")),
        sa.UniqueConstraint(
            "client_id", "round_number", name=op.f("uq_xray_rounds_client_id_round_number")
        ),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("xray_rounds")
    op.drop_table("xray_server_evaluations")
    op.drop_table("xray_clients")
