"""Which run on X-rays answers about single images."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deepmed.kit.database import UtcDateTime

revision = "0013"
down_revision = "0012"
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
        "xray_served_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("chosen_at", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_xray_served_runs_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["xray_runs.id"],
            name=op.f("fk_xray_served_runs_run_id_xray_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_xray_served_runs")),
        sa.UniqueConstraint("owner_id", name=op.f("uq_xray_served_runs_owner_id")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_xray_served_runs_run_id"), "xray_served_runs", ["run_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("xray_served_runs")
