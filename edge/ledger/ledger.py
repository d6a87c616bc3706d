"""The one face of the event ledger: what happened, what is still to ship, the last known states."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import LedgerError
from edge.ledger import audit, outbox
from edge.ledger.audit import Audit
from edge.ledger.outbox import Outbox, Watermarks
from edge.store import Schema, Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

    from edge.records import Event, StoredEvent

CAPACITY = 100_000
"""Events kept. Ten thousand take about 3 MB."""

_WARN_AT = 0.8

_SCHEMA = Schema(
    name="event ledger",
    error=LedgerError,
    application_id=0x45444C31,  # "EDL1"
    mode=0o660,  # sight and link may be two users of one group
    migrations=(
        (
            *audit.TABLES,
            *outbox.TABLES,
            """CREATE TABLE states (
                name TEXT PRIMARY KEY,
                value TEXT NOT NULL
            ) STRICT, WITHOUT ROWID""",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the ledger is, in events."""

    waiting: int
    """Written and not yet delivered."""
    capacity: int
    lost: int
    """Cut before they were delivered."""

    @property
    def warning(self) -> str:
        """A sentence when undelivered events were lost or soon will be; else empty."""
        if self.lost:
            return f"{self.lost} events were dropped before the broker could have them."
        if self.waiting >= _WARN_AT * self.capacity:
            return (
                f"{self.waiting} events wait for the broker; beyond {self.capacity} the oldest "
                "are dropped. Check the connection."
            )
        return ""


class Ledger:
    """An open event ledger. One thread; any number of processes.

    Everything that writes is on the disk when it returns. The newest `capacity` events are kept:
    older ones are cut, delivered or not, so that the file stays bounded (`fill` warns before).

    Every method raises LedgerError, with what to do, when the file cannot be used.
    """

    def __init__(self, store: Store, device: str, capacity: int = CAPACITY) -> None:
        self._store = store
        self._audit = Audit(store, device)
        self._outbox = Outbox(store)
        self._capacity = capacity
        self.boot = secrets.token_hex(8)
        """Names this start of the program in the events that it writes."""

    @classmethod
    def open(
        cls, path: Path, device: str, *, read_only: bool = False, capacity: int = CAPACITY
    ) -> Self:
        """Open the ledger of `device`, or begin it.

        Raises:
            LedgerError: the file is damaged, of another device, or newer than this edge-door.
        """
        store = Store.open(path, _SCHEMA, read_only=read_only)
        ledger = cls(store, device, capacity)
        try:
            with store.snapshot() if read_only else store.transaction():
                ledger._audit.begin()
        except BaseException:
            store.close()
            raise
        return ledger

    def append(self, event: Event, states: Mapping[str, str] | None = None) -> StoredEvent:
        """Write an event, and the states that it brought, in one transaction."""
        with self._store.transaction():
            stored = self._audit.append(event, self.boot)
            self._put(states or {})
            self._audit.cut(self._capacity)
        return stored

    def put_states(self, states: Mapping[str, str]) -> None:
        """Set the last known value of each name."""
        with self._store.transaction():
            self._put(states)

    def states(self) -> dict[str, str]:
        """The last known value of every name."""
        return dict(self._store.query("SELECT name, value FROM states"))

    def events(
        self, after: int = 0, limit: int = 100, *, newest_first: bool = False
    ) -> list[StoredEvent]:
        """Events with a number above `after`."""
        return self._audit.events(after, limit, newest_first=newest_first)

    def pending(self, limit: int = 100) -> list[StoredEvent]:
        """The oldest events that the broker has not got yet."""
        with self._store.snapshot():
            return self._audit.events(self._outbox.watermarks().delivered, limit)

    def mark_delivered(self, sequence: int) -> None:
        """The broker has acknowledged every event up to `sequence`."""
        with self._store.transaction():
            self._outbox.delivered(sequence)

    def mark_confirmed(self, sequence: int) -> None:
        """The reader behind the broker has confirmed every event up to `sequence`."""
        with self._store.transaction():
            self._outbox.confirmed(sequence)

    def redeliver(self) -> None:
        """Make every unconfirmed event pending again: the broker may have lost it."""
        with self._store.transaction():
            self._outbox.redeliver()

    def watermarks(self) -> Watermarks:
        """Numbers of the newest event written, delivered and confirmed."""
        return self._outbox.watermarks()

    def fill(self) -> Fill:
        """How near the ledger is to dropping events that nobody has fetched."""
        with self._store.snapshot():
            marks = self._outbox.watermarks()
            ((oldest,),) = self._store.query("SELECT anchor_sequence FROM head")
        return Fill(
            waiting=marks.written - max(marks.delivered, oldest),
            capacity=self._capacity,
            lost=max(0, oldest - marks.delivered),
        )

    def changed(self) -> bool:
        """Whether another process has written since the last call (or since opening)."""
        return self._store.changed()

    def verify(self) -> list[str]:
        """Check the file and the whole chain: a sentence for what is wrong, none when whole."""
        with self._store.snapshot():
            return self._store.check() or self._audit.verify()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, states: Mapping[str, str]) -> None:
        for name, value in states.items():
            self._store.query("INSERT OR REPLACE INTO states VALUES (?, ?)", (name, value))
