"""Indices from which lists and statistics over many drawings are read without their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ANALYSES, DRAWINGS = "anomaly_analyses", "drawings"
OF_MODEL = "ix_anomaly_analyses_age_group_model_id_current_of"
WIDER = {
    "ix_drawings_of_age": ["owner_id", "age_years", "child_id", "is_blank"],
    "ix_drawings_of_subject": ["owner_id", "subject", "age_years"],
}
"""In the place of indices on the first two columns."""
ORDERS = {
    "ix_anomaly_analyses_by_rank": "normalized_score",
    "ix_anomaly_analyses_by_confidence": "confidence",
}
NEWEST = "current_of IS NOT NULL"
TYPICAL = (
    "(expert_label IS NULL OR expert_label = 'normal') AND is_blank IS {false} AND "
    "withdrawn IS {false} AND duplicate_of IS NULL"
)


def upgrade() -> None:
    op.create_index(
        "ix_drawings_typical",
        DRAWINGS,
        [
            "owner_id",
            "age_years",
            "subject",
            "child_id",
            "expert_label",
            "is_blank",
            "withdrawn",
            "duplicate_of",
        ],
        postgresql_where=sa.text(TYPICAL.format(false="false")),
        sqlite_where=sa.text(TYPICAL.format(false="0")),
    )
    for name, columns in WIDER.items():
        op.create_index(name, DRAWINGS, columns)
        op.drop_index(op.f(_narrow(columns)), DRAWINGS)
    for name, column in ORDERS.items():
        op.create_index(
            name,
            ANALYSES,
            ["owner_id", "is_anomaly", column, "current_of"],
            postgresql_where=sa.text(NEWEST),
            sqlite_where=sa.text(NEWEST),
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
    for name, columns in WIDER.items():
        op.create_index(op.f(_narrow(columns)), DRAWINGS, columns[:2])
        op.drop_index(name, DRAWINGS)
    for name in ORDERS:
        op.drop_index(name, ANALYSES)
    op.drop_index("ix_drawings_typical", DRAWINGS)
    op.create_index(op.f(OF_MODEL), ANALYSES, ["age_group_model_id", "current_of"])
    op.drop_index("ix_anomaly_analyses_ranks", ANALYSES)


def _narrow(columns: list[str]) -> str:
    return f"ix_drawings_{columns[0]}_{columns[1]}"
