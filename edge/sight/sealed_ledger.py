"""This device's ledger under its seal, which needs the key that sight's user alone holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import LedgerError
from edge.ledger.ledger import Ledger
from edge.ledger.seal import Seal
from edge.vault.key import ledger_secret, load_keys
from edge.vault.vault import require_begun

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config


def open_ledger(config: Config, *, read_only: bool = False) -> Ledger:
    """This device's ledger, with the seal that only sight's user holds.

    Raises:
        LedgerError: it is damaged, another hand wrote there, or it is older than it should be.
        VaultError: nothing is here yet; the key is missing or may be read by others.
    """
    require_begun(config)
    ledger = Ledger.open(
        config.ledger_db,
        config.device.id,
        _seal(config),
        read_only=read_only,
        capacity=config.ledger.keep_events,
    )
    ledger.keep_days, ledger.keep_bytes = config.ledger.keep_days, config.ledger.keep_mb * 1e6
    return ledger


def accept_ledger(config: Config) -> None:
    """Take the ledger as it is. Raises as `open_ledger` does, but for what is accepted here."""
    require_begun(config)
    Ledger.open(config.ledger_db, config.device.id, _seal(config), accept=True).close()


def restore_ledger(config: Config, backup: Path) -> Path:
    """Put a backup in the ledger's place; where what lay there is now.

    Raises:
        LedgerError: it is not a whole ledger of this device, signed by it; nothing was changed.
    """
    require_begun(config)
    seal = _seal(config)
    with Ledger.open(backup, config.device.id, seal, read_only=True) as older:
        problems = older.verify()
        if problems:
            raise LedgerError(f"{backup} is not restored: {' '.join(problems)}")
        kept = older.restore_to(config.ledger_db)
    accept_ledger(config)
    return kept


def _seal(config: Config) -> Seal:
    return Seal(ledger_secret(load_keys(config.key_file), config.ledger_key), config.ledger_anchor)
