"""What people note to analyses, and the files made of explanations."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from deepmed.kit.database import UtcDateTime

revision = "0005"
down_revision = "0004"
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
        "drawing_annotations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("analysis_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["anomaly_analyses.id"],
            name=op.f("fk_drawing_annotations_analysis_id_anomaly_analyses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_drawing_annotations_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawing_annotations")),
        sa.UniqueConstraint("uid", name=op.f("uq_drawing_annotations_uid")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_drawing_annotations_analysis_id_id"),
        "drawing_annotations",
        ["analysis_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_drawing_annotations_owner_id_id"),
        "drawing_annotations",
        ["owner_id", "id"],
        unique=False,
    )
    op.create_table(
        "drawing_exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("analysis_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("file_path", sa.String(length=255), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["anomaly_analyses.id"],
            name=op.f("fk_drawing_exports_analysis_id_anomaly_analyses"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owners.id"],
            name=op.f("fk_drawing_exports_owner_id_owners"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawing_exports")),
        sa.UniqueConstraint("uid", name=op.f("uq_drawing_exports_uid")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_drawing_exports_analysis_id"), "drawing_exports", ["analysis_id"], unique=False
    )
    op.create_index(
        op.f("ix_drawing_exports_expires_at"), "drawing_exports", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_drawing_exports_owner_id_id"), "drawing_exports", ["owner_id", "id"], unique=False
    )
    op.create_table(
        "annotation_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotation_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deed", sa.String(length=10), nullable=False),
        sa.Column("region_id", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("user_id", sa.String(length=100), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotation_id"],
            ["drawing_annotations.id"],
            name=op.f("fk_annotation_versions_annotation_id_drawing_annotations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation_versions")),
        sa.UniqueConstraint(
            "annotation_id", "version", name=op.f("uq_annotation_versions_annotation_id_version")
        ),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("annotation_versions")
    op.drop_table("drawing_exports")
    op.drop_table("drawing_annotations")
