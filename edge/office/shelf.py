"""Pages and envelopes on the broker for each door, and those that need lie there no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.roster.pages import digest
from edge.wire.messages import Posted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from edge.office.rows import Door
    from edge.store import Store


@dataclass(frozen=True, slots=True)
class Piece:
    """A page or an envelope, as it lies on the broker under its hash."""

    kind: Posted
    hashed: str
    """Hex SHA-256."""
    data: bytes


class Shelf:
    """The book's record of them; whoever writes is inside a transaction of the book."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def envelope(self, door: Door, person: str, version: int) -> tuple[int, str] | None:
        """For which generation somebody's template was sealed for a door, and the hash."""
        rows = self._store.query(
            "SELECT sealed, hash FROM pieces WHERE device = ? AND person = ? AND version = ? "
            "AND key = ? AND needed",
            (door.device, person, version, door.key),
        )
        return (int(rows[0][0]), str(rows[0][1])) if rows else None

    def put_envelope(
        self, door: Door, person: str, version: int, sealed: int, envelope: bytes
    ) -> str:
        """A new one; returns its hash."""
        hashed = digest(envelope)
        self._store.query(
            "INSERT INTO pieces VALUES (?, 'envelope', ?, ?, 0, 1, ?, ?, ?, ?)",
            (door.device, hashed, envelope, person, version, door.key, sealed),
        )
        return hashed

    def hold(self, device: str, pages: Mapping[str, bytes], envelopes: Collection[str]) -> None:
        """These are what the door's newest list needs; all others are not."""
        for hashed, page in pages.items():
            self._store.query(
                "INSERT INTO pieces VALUES (?, 'page', ?, ?, 0, 1, '', 0, '', 0) "
                "ON CONFLICT DO UPDATE SET needed = 1, data = excluded.data, "
                "posted = posted AND needed",
                (device, hashed, page),
            )
        needed = {*pages, *envelopes}
        rows = self._store.query("SELECT hash FROM pieces WHERE device = ? AND needed", (device,))
        for (hashed,) in rows:
            if hashed not in needed:
                self._store.query(
                    "UPDATE pieces SET needed = 0, data = x'' WHERE device = ? AND hash = ?",
                    (device, hashed),
                )

    def to_post(self, device: str, *, every: bool = False) -> list[Piece]:
        """What the broker does not have yet of what is needed; or all of it."""
        rows = self._store.query(
            "SELECT kind, hash, data FROM pieces WHERE device = ? AND needed "
            "AND NOT (posted AND ?)",
            (device, not every),
        )
        return [Piece(Posted(kind), hashed, data) for kind, hashed, data in rows]

    def wanted(self, device: str, hashes: Iterable[str]) -> list[Piece]:
        """Those of these hashes that are needed: a door waits for them."""
        asked = set(hashes)
        return [piece for piece in self.to_post(device, every=True) if piece.hashed in asked]

    def to_clear(self, device: str) -> list[Piece]:
        """What lies on the broker and no list needs."""
        rows = self._store.query(
            "SELECT kind, hash, data FROM pieces WHERE device = ? AND NOT needed", (device,)
        )
        return [Piece(Posted(kind), hashed, data) for kind, hashed, data in rows]

    def posted(self, device: str) -> None:
        """The broker has all that is needed."""
        self._store.query("UPDATE pieces SET posted = 1 WHERE device = ? AND needed", (device,))

    def cleared(self, device: str) -> None:
        """What was not needed has been taken off the broker."""
        self._store.query("DELETE FROM pieces WHERE device = ? AND NOT needed", (device,))
