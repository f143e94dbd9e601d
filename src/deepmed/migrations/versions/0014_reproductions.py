"""Which run a run on X-rays trains again."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("xray_runs", sa.Column("reproduces", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("xray_runs", "reproduces")
