"""Events, numbered without gaps and chained by hash, so that a change to any of them shows.

Each entry's chain is the SHA-256 of the chain before it, its number, its boot and its event. The
first stands on a hash of the device's name, and when the oldest entries are cut, the chain of the
last one cut is kept as the anchor of the rest.

What `verify` finds: any changed, missing, added or reordered entry, and a tail cut off without
also rewriting the head row. What it cannot find: the hashes hold no secret, so whoever may write
the file can compute a whole new chain, or put back yesterday's file. Only a reader elsewhere who
keeps the last chain confirmed (the collector) sees that.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from edge.errors import LedgerError
from edge.records import Event, EventKind, Reason, StoredEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.store import Row, Store

TABLES = (
    """CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        boot TEXT NOT NULL,
        body TEXT NOT NULL, -- the event as canonical JSON
        chain TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        device TEXT NOT NULL,
        sequence INTEGER NOT NULL, -- the newest entry
        chain TEXT NOT NULL,
        anchor_sequence INTEGER NOT NULL, -- the newest entry cut from the old end
        anchor_chain TEXT NOT NULL
    ) STRICT""",
)

_PAGE = 1000


def encode(event: Event) -> str:
    """Canonical JSON of an event: sorted keys, no spaces, ASCII.

    Raises:
        LedgerError: a value is not text, a finite number or a boolean.
    """
    fields = {
        "kind": event.kind.value,
        "reason": event.reason.value,
        "at": event.at,
        "wall": event.wall,
        "wall_trusted": event.wall_trusted,
        "device": event.device,
        "person": event.person,
        "detail": dict(event.detail),
    }
    try:
        return _canonical(fields)
    except (TypeError, ValueError) as error:
        raise LedgerError(f"a {event.reason.value} event cannot be written: {error}") from error


def decode(body: str) -> Event:
    """The event that `encode` wrote.

    Raises:
        LedgerError: it is not one.
    """
    try:
        fields: dict[str, Any] = json.loads(body)
        return Event(
            **{**fields, "kind": EventKind(fields["kind"]), "reason": Reason(fields["reason"])}
        )
    except (ValueError, TypeError, KeyError) as error:
        raise LedgerError(f"this is not an event: {body[:80]!r}") from error


def genesis(device: str) -> str:
    """What the first entry of a device's ledger is chained to."""
    return _digest(["edge-door ledger", device])


def chained(previous: str, sequence: int, boot: str, body: str) -> str:
    """The chain of an entry: hex SHA-256. `body` is the event as `encode` wrote it."""
    return _digest([previous, sequence, boot, body])


class Audit:
    """The entries of one ledger. Its methods want a transaction or snapshot around them."""

    def __init__(self, store: Store, device: str) -> None:
        self._store = store
        self._device = device

    def begin(self) -> None:
        """Make the head row of a new ledger, or check that this one is of our device.

        Raises:
            LedgerError: it is another device's.
        """
        rows = self._store.query("SELECT device FROM head")
        if not rows:
            first = genesis(self._device)
            self._store.query(
                "INSERT INTO head VALUES (1, ?, 0, ?, 0, ?)", (self._device, first, first)
            )
        elif rows[0][0] != self._device:
            raise LedgerError(
                f"{self._store.path} belongs to the device {rows[0][0]!r}, and this is "
                f"{self._device!r}. Set device.id back, or move the file away to begin a new one."
            )

    def append(self, event: Event, boot: str) -> StoredEvent:
        """Write `event` after the newest entry."""
        if event.device != self._device:
            raise LedgerError(f"an event of {event.device!r} in the ledger of {self._device!r}")
        body = encode(event)
        ((newest, previous),) = self._store.query("SELECT sequence, chain FROM head")
        sequence = newest + 1
        chain = chained(previous, sequence, boot, body)
        self._store.query("INSERT INTO events VALUES (?, ?, ?, ?)", (sequence, boot, body, chain))
        self._store.query("UPDATE head SET sequence = ?, chain = ?", (sequence, chain))
        return StoredEvent(sequence, boot, event, chain)

    def cut(self, keep: int) -> None:
        """Forget all but the newest `keep` entries; the rest stays verifiable."""
        rows = self._store.query(
            "SELECT events.sequence, events.chain FROM events, head "
            "WHERE events.sequence = head.sequence - ?",
            (keep,),
        )
        for sequence, chain in rows:  # none, or one
            self._store.query("DELETE FROM events WHERE sequence <= ?", (sequence,))
            self._store.query(
                "UPDATE head SET anchor_sequence = ?, anchor_chain = ?", (sequence, chain)
            )

    def events(self, after: int, limit: int, *, newest_first: bool = False) -> list[StoredEvent]:
        """Entries with a number above `after`."""
        order = "DESC" if newest_first else "ASC"
        rows = self._store.query(
            "SELECT sequence, boot, body, chain FROM events WHERE sequence > ? "  # noqa: S608
            f"ORDER BY sequence {order} LIMIT ?",
            (after, limit),
        )
        return [self._stored(row) for row in rows]

    def verify(self) -> list[str]:
        """Walk the whole chain; a sentence for the first thing wrong, nothing when it is whole."""
        head = self._store.query(
            "SELECT device, sequence, chain, anchor_sequence, anchor_chain FROM head"
        )
        if len(head) != 1:
            return [f"{self._store.path} has lost its head row: it was damaged or changed."]
        device, newest, last, sequence, chain = head[0]
        if sequence == 0 and chain != genesis(device):
            return ["The chain's beginning was changed."]
        for number, boot, body, written in self._rows():
            if number != sequence + 1:
                return [f"Entry {sequence + 1} is missing: the next one there is {number}."]
            sequence, chain = number, chained(chain, number, boot, body)
            if chain != written:
                return [f"Entry {number} was changed, or the one before it was."]
        if (sequence, chain) != (newest, last):
            return [f"The ledger ends at entry {sequence}, and its head row says {newest}."]
        return []

    def _rows(self) -> Iterator[Row]:
        after = -1
        while rows := self._store.query(
            "SELECT sequence, boot, body, chain FROM events WHERE sequence > ? "
            "ORDER BY sequence LIMIT ?",
            (after, _PAGE),
        ):
            yield from rows
            after = rows[-1][0]

    def _stored(self, row: Row) -> StoredEvent:
        sequence, boot, body, chain = row
        try:
            return StoredEvent(sequence, boot, decode(body), chain)
        except LedgerError as error:
            raise LedgerError(
                f"Entry {sequence} of {self._store.path} is damaged: {error}"
            ) from error


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(value: object) -> str:
    # ASCII JSON also spells the lone surrogates that stand for damaged bytes.
    return hashlib.sha256(_canonical(value).encode("ascii")).hexdigest()
