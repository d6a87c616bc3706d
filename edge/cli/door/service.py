"""A program as systemd runs it: its heartbeat."""

from __future__ import annotations

from edge.systemd import notify


def heartbeat() -> None:
    """Tell the watchdog that the program still does its work."""
    notify("WATCHDOG=1")
