"""Alembic: how an older database becomes one of today."""
