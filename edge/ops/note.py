"""Changes to who may enter belong into the ledger too, before they are made."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.sight.changes import recorded
from edge.sight.sealed_ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config import Config
    from edge.records import Reason
    from edge.vault.vault import Vault


@contextmanager
def recorded_in(
    config: Config, vault: Vault, reason: Reason, person: str | None, **detail: str | float
) -> Iterator[None]:
    """Around one change to who may enter. See `edge.sight.changes.recorded`."""
    device = config.device.id
    with open_ledger(config) as ledger, recorded(ledger, vault, device, reason, person, **detail):
        yield
