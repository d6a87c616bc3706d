"""What a threat came to, and whether a door would start on what it left."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import EdgeDoorError
from edge.sight.changes import settle
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from tests.faults import scenarios


@dataclass
class Tally:
    """What one threat came to."""

    threat: str
    injected: int = 0
    obeyed: list[str] = field(default_factory=list)
    """What was followed or believed and should not have been: by how to do it again."""


def accepted(folder: Path) -> bool:
    """Whether a door would start on this state."""
    config = scenarios.config_in(folder)
    try:
        with open_vault(config) as vault, open_ledger(config) as ledger:
            settle(ledger, vault, scenarios.DEVICE)
            vault.templates(scenarios.MODEL)
            return not ledger.verify()
    except EdgeDoorError:
        return False
