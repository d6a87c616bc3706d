"""People from the centre: lists, their pages, and who came from there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "rosters",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("desired", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("signers", sa.Text(), server_default=sa.text("('[]')"), nullable=False),
        sa.Column("foreign", sa.String(length=400), server_default=sa.text("('')"), nullable=False),
        sa.Column("reported", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_rosters_device"),
        sa.PrimaryKeyConstraint("device", name="pk_rosters"),
    )
    op.create_table(
        "roster_pages",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", "hash", name="pk_roster_pages"),
    )
    op.add_column("members", sa.Column("number", sa.String(length=36), nullable=True))
