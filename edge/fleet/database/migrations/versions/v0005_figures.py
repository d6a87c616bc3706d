"""Charts of all doors read figures by time; when access ends is in the people office's lists."""

from __future__ import annotations

from alembic import op

revision = "v0005"
down_revision = "v0004"


def upgrade() -> None:
    """Go to this version."""
    op.create_index("ix_figures_slot", "figures", ["slot"])
    op.drop_column("members", "expires")
