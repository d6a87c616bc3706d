"""How far the events have travelled: delivered (the broker has them), confirmed (the reader has).

Both are watermarks over the ledger's numbers and only rise. A broker may lose what it has
acknowledged, so an event counts as safe elsewhere only once its reader confirmed it; `redeliver`
goes back to that point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import LedgerError

if TYPE_CHECKING:
    from edge.store import Store

TABLES = (
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        delivered INTEGER NOT NULL,
        confirmed INTEGER NOT NULL
    ) STRICT""",
    "INSERT INTO outbox VALUES (1, 0, 0)",
)


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Numbers of the newest event written, delivered to a broker, confirmed by the reader."""

    written: int
    delivered: int
    confirmed: int


class Outbox:
    """The watermarks of one ledger. Its methods want a transaction or snapshot around them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def watermarks(self) -> Watermarks:
        """Where each stands now."""
        rows = self._store.query("SELECT sequence, delivered, confirmed FROM head, outbox")
        if len(rows) != 1:
            raise LedgerError(f"{self._store.path} has lost its watermarks: restore a backup.")
        return Watermarks(*rows[0])

    def delivered(self, sequence: int) -> None:
        """The broker has everything up to `sequence`."""
        self._check(sequence, "delivered")
        self._store.query("UPDATE outbox SET delivered = max(delivered, ?)", (sequence,))

    def confirmed(self, sequence: int) -> None:
        """The reader has everything up to `sequence`, and so had the broker."""
        self._check(sequence, "confirmed")
        self._store.query(
            "UPDATE outbox SET delivered = max(delivered, :n), confirmed = max(confirmed, :n)",
            {"n": sequence},
        )

    def redeliver(self) -> None:
        """Take everything unconfirmed as undelivered."""
        self._store.query("UPDATE outbox SET delivered = confirmed")

    def _check(self, sequence: int, verb: str) -> None:
        written = self.watermarks().written
        if not 0 <= sequence <= written:
            raise LedgerError(
                f"Event {sequence} was {verb}, but this ledger ends at {written}: "
                "it may be an older copy of itself."
            )
