"""The ledger's head row: how far it reaches at both ends, what is remembered, and the seal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import LedgerError

if TYPE_CHECKING:
    from edge.store import Store


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The one row of `head`, and of the newest entry what is sealed with it."""

    device: str
    sequence: int
    """The newest entry's; the last one cut while there is none."""
    chain: str
    anchor_sequence: int
    anchor_chain: str
    key: bytes
    memory: str
    """The sealed states, as JSON: names and texts."""
    mac: bytes

    def fields(self) -> list[object]:
        """What the seal covers."""
        return [
            self.device,
            self.sequence,
            self.chain,
            self.anchor_sequence,
            self.anchor_chain,
            self.key.hex(),
            self.memory,
        ]


def read_head(store: Store, device: str) -> HeadRow:
    """The head row of a device's ledger, as it stands there.

    Raises:
        LedgerError: it is lost, or another device's.
    """
    rows = store.query(
        "SELECT device, coalesce(sequence, anchor_sequence), coalesce(chain, anchor_chain), "
        "anchor_sequence, anchor_chain, key, memory, coalesce(newest.mac, head.mac) "
        "FROM head LEFT JOIN (SELECT * FROM events WHERE chain != '' ORDER BY sequence DESC "
        "LIMIT 1) AS newest"
    )
    if len(rows) != 1:
        raise LedgerError(
            f"{store.path} has lost its head row: it was damaged or changed. "
            "Restore it from a backup."
        )
    row = HeadRow(*rows[0])
    if row.device != device:
        raise LedgerError(
            f"{store.path} belongs to the device {row.device!r}, and this is "
            f"{device!r}. Set device.id back. Where nobody was enrolled yet, `edge-door init` "
            "begins anew; a record whose people.db is gone is moved away for that."
        )
    return row
