"""This device's ledger, for who only reads it and holds no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ledger.ledger import Ledger

if TYPE_CHECKING:
    from edge.config import Config


def read_ledger(config: Config) -> Ledger:
    """Open it.

    Raises:
        LedgerError: it is not there yet, damaged, or another device's.
    """
    return Ledger.open(
        config.ledger_db, config.device.id, read_only=True, capacity=config.ledger.keep_events
    )
