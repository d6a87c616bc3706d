"""What is done to the people at the command line, noted in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import EventKind, Reason
from edge.sight.journal import Journal, open_ledger

if TYPE_CHECKING:
    from edge.config import Config


def note(config: Config, reason: Reason, person: str | None) -> None:
    """Changes to who may enter belong into the ledger too."""
    with open_ledger(config) as ledger:
        Journal(ledger, config.device.id).note(EventKind.PEOPLE, reason, person=person)
