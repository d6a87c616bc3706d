"""What a database is to be, stated beside the code that uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.errors import EdgeDoorError


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database holds and how its problems are reported."""

    name: str
    """What it is, for messages: "event ledger"."""
    error: type[EdgeDoorError]
    application_id: int
    """Tells our files from other programs'; of two of ours that share one the tables tell."""
    mode: int
    """Permissions of a new file."""
    migrations: tuple[tuple[str, ...], ...]
    """SQL statements that bring the file from version i to i + 1."""
    lost: str = ""
    """What to do where a reader finds no file, or an empty one."""
    renewed: str = "Start edge-door once, which brings it up to date."
    """What to do where a reader finds an older one."""
    page_bytes: int = 4096
    """Of a new file. What a transaction touches is written by whole pages."""
