"""Roll-outs of updates, and what doors say of theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "rollouts",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_rollouts"),
    )
    op.create_table(
        "updates",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("reported", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_updates"),
    )
