"""Indices from which lists and statistics over many drawings are read without their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ANALYSES, DRAWINGS = "anomaly_analyses", "drawings"
OF_MODEL = "ix_anomaly_analyses_age_group_model_id_current_of"
TYPICAL = (
    "(expert_label IS NULL OR expert_label = 'normal') AND is_blank IS {false} AND "
    "withdrawn IS {false} AND duplicate_of IS NULL"
)


def upgrade() -> None:
    op.create_index(
        "ix_drawings_typical",
        DRAWINGS,
        ["owner_id", "age_years", "child_id", "subject"],
        postgresql_where=sa.text(TYPICAL.format(false="false")),
        sqlite_where=sa.text(TYPICAL.format(false="0")),
    )
    # The new index first: each of MariaDB's foreign keys needs one at every moment.
    op.create_index(
        "ix_anomaly_analyses_ranks",
        ANALYSES,
        [
            "age_group_model_id",
            "current_of",
            "owner_id",
            "role",
            "normalized_score",
            "anomaly_score",
        ],
    )
    op.drop_index(op.f(OF_MODEL), ANALYSES)


def downgrade() -> None:
    op.drop_index("ix_drawings_typical", DRAWINGS)
    op.create_index(op.f(OF_MODEL), ANALYSES, ["age_group_model_id", "current_of"])
    op.drop_index("ix_anomaly_analyses_ranks", ANALYSES)
