"""Events, numbered without gaps and chained by hash, so that a change to any of them shows.

How an entry is written and chained: `edge.ledger.chain`. When the oldest entries are cut, the chain
of the last one cut is kept as the anchor of the rest.

The writer signs every entry and seals the newest together with the head row (`edge.ledger.seal`).
What a walk over them finds, and what not: `edge.ledger.verify`.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import LedgerError
from edge.ledger.chain import chained, decode, encode, genesis
from edge.ledger.head import HeadRow, read_head
from edge.ledger.seal import head
from edge.ledger.tables import LOST
from edge.ledger.verify import chain_problems, signature_problems
from edge.plain import spell
from edge.records import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.ledger.seal import Seal
    from edge.records import Event
    from edge.store import Row, Store

ROOM = 128
"""Entries for which a place is made at once. To make one for each touches three pages, not one, and
so does to cut one for each that is written once the ledger is full."""
_BLANK = " " * 256
"""What stands in such a place: more than half a page, so that each entry has a page of its own."""
WALL_STEP_S = 10.0
"""The floor under the clock rises by steps."""

MEND = (
    "Nothing is granted until that is mended: look at it with `edge-door ledger check`, then "
    "`edge-door ledger restore FILE` puts a backup back, or `edge-door ledger accept` takes it as "
    "it is."
)

_PAGE = 1000
_UNDATED = 1000
"""Of so many entries in a row whose clock was not set the age is sought, and of no more."""
_FLOORLESS = "wall_after"
"""Sealed beside the states: entries up to this number were accepted, and their clock was not."""
_OLDEST = (
    "SELECT sequence, boot, body, chain, signature FROM events WHERE sequence > ? AND chain != '' "
    "ORDER BY sequence LIMIT ?"
)
_NEWEST = (
    "SELECT sequence, boot, body, chain, signature FROM events WHERE sequence > ? AND chain != '' "
    "ORDER BY sequence DESC LIMIT ?"
)


class Audit:
    """The entries of one ledger. Its methods want a transaction or snapshot around them."""

    def __init__(self, store: Store, device: str, seal: Seal | None = None) -> None:
        """`seal`: the writer's; None for who only reads, and for ledgers that were never sealed."""
        self._store = store
        self._device = device
        self._seal = seal
        self._seen: tuple[int, str] | None = None
        """Number and chain of the newest entry of ours: one that is gone was taken away."""

    def begin(self, *, read_only: bool) -> None:
        """Make the head row of a new ledger, or check that this one is of our device.

        Raises:
            LedgerError: it is another device's; or there is none (read-only).
        """
        if not self._store.query("SELECT 1 FROM head"):
            if read_only:
                raise LedgerError(f"{self._store.path} is empty. {LOST}")
            first = genesis(self._device)
            self._store.query(
                "INSERT INTO head VALUES (1, ?, 0, ?, x'', '{}', x'')", (self._device, first)
            )
        self.head()

    def head(self) -> HeadRow:
        """The head row, as it stands there.

        Raises:
            LedgerError: it is lost, or another device's.
        """
        return read_head(self._store, self._device)

    def own_head(self) -> HeadRow:
        """The head that this writer sealed, which stands on the newest entry.

        Raises:
            LedgerError: another hand wrote it, or an entry that was there is gone.
        """
        row = self.head()
        if self._seen is not None and not self.holds(*self._seen):
            raise LedgerError(f"{self._store.path} has lost its newest entries. {MEND}")
        if self._seal is None:
            if row.mac:
                raise LedgerError(f"{self._store.path} is sealed: only its device may write there.")
        elif not hmac.compare_digest(row.mac, self._seal.mac(row.fields())):
            raise LedgerError(
                f"{self._store.path} was changed by another program, or was made with another key "
                f"file. {MEND}"
            )
        return row

    def committed(self, newest: StoredEvent) -> None:
        """This entry is on the disk: from now on it must be there."""
        self._seen = newest.sequence, newest.chain

    def adopt(self) -> None:
        """Seal the ledger as it is: a new one, an earlier version's, or one that was accepted.

        The sealed states in it are kept only where they are ours, and the clock's floor is not: a
        clock that was once far ahead would refuse commands for ever.
        """
        if self._seal is None:
            return
        row = self.head()
        ours = hmac.compare_digest(row.mac, self._seal.mac(row.fields()))
        states = json.loads(row.memory) if ours else {}
        states.pop("wall", None)
        if row.sequence:
            states[_FLOORLESS] = str(row.sequence)
        self._write(replace(row, key=self._seal.public, memory=spell(states)))

    def holds(self, sequence: int, chain: str) -> bool:
        """Whether the entry is there with that chain, or was cut at the old end since."""
        row = self.head()
        return sequence < row.anchor_sequence or self._chain_at(row, sequence) == chain

    def append(self, event: Event, boot: str, sealed: Mapping[str, str]) -> StoredEvent:
        """Write `event` after the newest entry, and the sealed states that it brought."""
        if event.device != self._device:
            raise LedgerError(f"an event of {event.device!r} in the ledger of {self._device!r}")
        body = encode(event)
        row = self.own_head()
        sequence = row.sequence + 1
        chain = chained(row.chain, sequence, boot, body)
        signature = self._seal.sign(self._device, sequence, chain) if self._seal else b""
        before = json.loads(row.memory)
        after = {**before, **sealed, **_later(before, sealed)}
        floor = self._newest_wall(row, before)
        if floor > max(_stepped(event), float(after.get("wall", 0.0))):  # it stands there no more
            after["wall"] = f"{floor:.0f}"
        remembered = spell(after)
        newest = replace(row, sequence=sequence, chain=chain, memory=remembered)
        values = (sequence, boot, body, chain, signature)
        self._store.query(
            "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?)", (*values, self._mac(newest))
        )
        if remembered != row.memory:  # each page that changes wears the card
            self._store.query("UPDATE head SET memory = ?", (remembered,))
        return self._stored(values, row.key)

    def _write(self, row: HeadRow) -> None:
        mac = self._mac(row)
        self._store.query(
            "UPDATE head SET device = ?, anchor_sequence = ?, anchor_chain = ?, key = ?, "
            "memory = ?, mac = ?",
            (row.device, row.anchor_sequence, row.anchor_chain, row.key, row.memory, mac),
        )
        self._store.query("UPDATE events SET mac = ? WHERE sequence = ?", (mac, row.sequence))

    def _mac(self, row: HeadRow) -> bytes:
        return self._seal.mac(row.fields()) if self._seal else b""

    def _chain_at(self, row: HeadRow, sequence: int) -> str | None:
        if sequence == row.anchor_sequence:
            return row.anchor_chain
        found = self._store.query("SELECT chain FROM events WHERE sequence = ?", (sequence,))
        return str(found[0][0]) if found and found[0][0] else None

    def remembered(self) -> dict[str, str]:
        """The sealed states. The floor under the clock is the newest entry's own, where it is late.

        Raises:
            LedgerError: as `own_head`.
        """
        row = self.own_head()
        states: dict[str, str] = json.loads(row.memory)
        floor = self._newest_wall(row, states)
        if floor > float(states.get("wall", 0.0)):
            states["wall"] = f"{floor:.0f}"
        states.pop(_FLOORLESS, None)
        return states

    def _newest_wall(self, row: HeadRow, states: Mapping[str, str]) -> float:
        """What the clock said at the newest entry, by steps; 0 where it may not be believed."""
        if row.sequence <= int(states.get(_FLOORLESS, 0)):
            return 0.0
        newest = self.events(row.sequence - 1, 1)
        return _stepped(newest[0].event) if newest else 0.0

    def make_room(self, count: int, keep: int) -> None:
        """See that so many entries have a place; forget the oldest beyond `keep` where they do not.

        The rest stays verifiable.
        """
        row = self.own_head()
        wanted, room = row.sequence + count, max(count, min(ROOM, keep // 10))
        ((last,),) = self._store.query("SELECT coalesce(max(sequence), 0) FROM events")
        if last >= wanted and wanted - row.anchor_sequence <= keep + room:
            return
        self.cut_to(wanted - keep)
        for sequence in range(row.sequence + 1, row.sequence + room + 1):
            self._store.query(
                "INSERT OR IGNORE INTO events VALUES (?, '', ?, '', x'', x'')", (sequence, _BLANK)
            )

    def cut_to(self, last: int) -> None:
        """Forget the entries up to number `last`, but never the newest."""
        row = self.own_head()
        last = min(last, row.sequence - 1)
        if last <= row.anchor_sequence:
            return
        chain = self._chain_at(row, last)
        if chain is None:
            raise LedgerError(f"{self._store.path} has lost entry {last}. {MEND}")
        self._store.query("DELETE FROM events WHERE sequence <= ?", (last,))
        self._write(replace(row, anchor_sequence=last, anchor_chain=chain))

    def last_before(self, wall: float) -> int:
        """The newest entry of those at the old end whose clock was right and said less than this.

        It stops at the first that is younger: the chain can be cut at one place alone. What was
        written before the clock was set, as at each start of a board without one of its own, is at
        least as old as what comes after it; of very many in a row nothing is said.
        """
        seen = last = self.head().anchor_sequence
        while (page := self.events(seen, _PAGE)) and seen - last <= _UNDATED:
            for stored in page:
                seen = stored.sequence
                if stored.event.wall_trusted and stored.event.wall >= wall:
                    return last
                last = seen if stored.event.wall_trusted else last
        return last

    def events(self, after: int, limit: int, *, newest_first: bool = False) -> list[StoredEvent]:
        """Entries with a number above `after`."""
        rows = self._store.query(_NEWEST if newest_first else _OLDEST, (after, limit))
        public = self.public()
        return [self._stored(row, public) for row in rows]

    def public(self) -> bytes:
        """The raw public key whose signatures the entries carry; empty while there is none."""
        return self.head().key

    def verify(self, public: bytes | None = None, *, thorough: bool = False) -> list[str]:
        """Walk the whole chain; a sentence for the first thing wrong, nothing when it is whole.

        `public` is the raw key that must have signed the entries; None: the one that the ledger
        names, which whoever writes the file could name anew. The newest signature vouches for all
        entries; `thorough` looks at every one.
        """
        try:
            row = self.head()
            problems = chain_problems(row, self._rows())
            if not problems and (self._seal or self._seen):
                self.own_head()
        except LedgerError as error:
            return [str(error)]
        newest = self._store.query(_NEWEST, (row.anchor_sequence, 1))
        return problems or signature_problems(
            row, public or row.key, newest[0] if newest else None, self._rows(), thorough=thorough
        )

    def _rows(self) -> Iterator[Row]:
        after = -1
        while rows := self._store.query(_OLDEST, (after, _PAGE)):
            yield from rows
            after = rows[-1][0]

    def _stored(self, row: Row, public: bytes) -> StoredEvent:
        sequence, boot, body, chain, signature = row
        try:
            event = decode(body)
        except LedgerError as error:
            raise LedgerError(
                f"Entry {sequence} of {self._store.path} is damaged: {error}"
            ) from error
        vouched = head(public, signature, sequence, chain)
        return StoredEvent(sequence, boot, event, chain, body, vouched)


def _stepped(event: Event) -> float:
    return event.wall // WALL_STEP_S * WALL_STEP_S if event.wall_trusted else 0.0


def _later(before: Mapping[str, str], sealed: Mapping[str, str]) -> dict[str, str]:
    """The floor under the clock only rises."""
    walls = [each["wall"] for each in (before, sealed) if "wall" in each]
    return {"wall": max(walls, key=float)} if walls else {}
