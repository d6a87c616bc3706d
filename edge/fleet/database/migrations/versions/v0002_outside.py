"""Operators whom an OpenID provider knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Go to this version."""
    op.add_column("operators", sa.Column("subject", sa.String(length=400)))
    op.create_index("ix_operators_subject", "operators", ["subject"], unique=True)
