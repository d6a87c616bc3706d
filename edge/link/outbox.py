"""How far the events have travelled: delivered (the broker has them), confirmed (the reader has).

Both are watermarks over the ledger's numbers and only rise. A broker may lose what it has
acknowledged, so an event counts as safe elsewhere only once its reader confirmed it. They are
link's own, in a file of its own: link reads the ledger and can write nothing that sight reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import LedgerError
from edge.store import Store
from edge.store.schema import Schema
from edge.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from edge.ledger.ledger import Ledger

_SCHEMA = Schema(
    name="outbox",
    error=LedgerError,
    application_id=0x45444F31,  # "EDO1", as of the people office's book
    mode=0o640,
    page_bytes=1024,
    migrations=(
        (
            """CREATE TABLE outbox (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                delivered INTEGER NOT NULL,
                confirmed INTEGER NOT NULL
            ) STRICT""",
            "INSERT INTO outbox VALUES (1, 0, 0)",
        ),
    ),
)

WARN_AT = 0.8
"""Of the capacity: soon the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Numbers of the newest event delivered to a broker, and confirmed by the reader."""

    delivered: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the ledger is, in events."""

    waiting: int
    """Written and not yet delivered."""
    capacity: int
    lost: int
    """Cut before they were delivered."""

    @classmethod
    def of(cls, ledger: Ledger, marks: Watermarks) -> Self:
        """How near a ledger is to dropping events that nobody has fetched."""
        dropped = ledger.dropped()
        waiting = ledger.written() - max(marks.delivered, dropped)
        return cls(max(0, waiting), ledger.capacity, max(0, dropped - marks.delivered))

    @property
    def warning(self) -> str:
        """A sentence when undelivered events were lost or soon will be; else empty."""
        if self.lost:
            return f"Dropped before the broker could have them: {counted(self.lost, 'event')}."
        if self.waiting >= WARN_AT * self.capacity:
            return (
                f"{self.waiting} events wait for the broker; beyond {self.capacity} the oldest "
                "are dropped. Check the connection."
            )
        return ""


class Outbox:
    """The watermarks of one ledger. One thread; on the disk when a method returns.

    Every method raises LedgerError, with what to do, when the file cannot be used.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the outbox, or begin one for which nothing has travelled."""
        return cls(Store.open(path, _SCHEMA, read_only=read_only))

    def watermarks(self) -> Watermarks:
        """Where each stands now."""
        rows = self._store.query("SELECT delivered, confirmed FROM outbox")
        if len(rows) != 1:
            raise LedgerError(f"{self._store.path} is damaged. Move it away: events go once more.")
        return Watermarks(*rows[0])

    def mark_delivered(self, sequence: int) -> None:
        """The broker has acknowledged every event up to `sequence`."""
        with self._store.transaction():
            self._store.query("UPDATE outbox SET delivered = max(delivered, ?)", (sequence,))

    def mark_confirmed(self, sequence: int) -> None:
        """The reader has confirmed every event up to `sequence`, and so had the broker."""
        with self._store.transaction():
            self._store.query(
                "UPDATE outbox SET delivered = max(delivered, :n), confirmed = max(confirmed, :n)",
                {"n": sequence},
            )

    def begin_again(self) -> None:
        """Nothing has travelled: the ledger is another than these watermarks were of."""
        with self._store.transaction():
            self._store.query("UPDATE outbox SET delivered = 0, confirmed = 0")

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
