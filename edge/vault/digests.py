"""What the secrets in a row of `people` hash to, so that they need not be read each time.

A row is some words and 33 kB of secrets. What this connection writes there gets another generation,
so while a row's words stand still its secrets do too; when another connection has written, all are
read again. A hand beneath SQLite is found as `forget` has some of them read, now and then.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.store import Row, Store

_WORDS = "SELECT id, name, folded, enrolled, captures, model, generation FROM people ORDER BY id"
_SECRETS = "SELECT data_key, vectors FROM people WHERE id = ?"


class Digests:
    """Remembered for one connection."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Row, bytes] = {}
        self._place = 0
        self._version = -1

    def rows(self) -> list[Row]:
        """Every row, by id: its words, and the SHA-256 of its secrets."""
        ((version,),) = self._store.query("PRAGMA data_version")  # another connection's changes
        if version != self._version:
            self._known, self._version = {}, version
        found = self._store.query(_WORDS)
        known = {row: self._known.get(row) or self._read(row) for row in found}
        self._known = known
        return [(*row, digest) for row, digest in known.items()]

    def forget(self, count: int | None = None) -> None:
        """Read the next `count` anew, in turn; None: all."""
        if count is None:
            self._known = {}
            return
        turn = list(islice(self._known, self._place, self._place + count))
        self._place = self._place + count if turn else 0
        for row in turn:
            del self._known[row]

    def _read(self, row: Row) -> bytes:
        ((data_key, vectors),) = self._store.query(_SECRETS, (row[0],))
        told = hashlib.sha256(b"%d " % len(data_key))
        told.update(data_key)
        told.update(vectors)
        return told.digest()
