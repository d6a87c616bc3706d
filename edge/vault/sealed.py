"""A database that only the key's holder can change without it showing.

One seal (HMAC-SHA256) covers the device, a counter of changes and every row of the sealed tables:
rows that were altered, added, removed or put back are noticed at the next read. Of people's secrets
it covers the hash, which is remembered (`edge.vault.digests`): a change to one costs what one does,
and bytes that somebody flipped beneath SQLite are found at the next opening, when another program
writes, or as `recheck` comes round. The counter beside the key (`edge.vault.counter`) notices when
the whole file was put back.
"""

from __future__ import annotations

import hmac
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import AnotherDoorsError, VaultError
from edge.vault.digests import Digests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edge.store import Row, Store
    from edge.vault.counter import Counter
    from edge.vault.key import Keys

    Tables = dict[str, list[Row]]

TABLE = """CREATE TABLE seal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    device TEXT NOT NULL,
    counter INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT"""

_PEOPLE = "people"
_FIRST_TABLES = (_PEOPLE, "credentials")


class SealedStore:
    """The open database.

    What was checked is what is used: `reading` and `changing` hand over the rows that the seal was
    computed over, so that no index that somebody bent can choose others.

    Every method raises VaultError when the database was changed by another hand, is not of this
    key or device, or is older than what this key has seen.
    """

    def __init__(
        self, store: Store, tables: Sequence[str], keys: Keys, counter: Counter, device: str
    ) -> None:
        """Every one of `tables` has an `id`."""
        self.path: Path = store.path
        self.query = store.query
        self.changed = store.changed
        self.stand = store.stand
        self.close = store.close
        self._store = store
        self._tables = tables
        self._keys = keys
        self._counter = counter
        self._device = device
        self._digests = Digests(store)

    @contextmanager
    def reading(self) -> Iterator[Tables]:
        """All rows of one state of the database, by table, ordered by id.

        Of `people` the words and the hash of the secrets, which `query` reads inside this.
        """
        # The number beside the key is read first: a change between the two reads only makes
        # the database newer than it.
        seen = self._counter.read()
        self.stand()
        with self._store.snapshot():
            counter, tables = self._checked()
            if counter < (seen or 0) or (seen is None and counter):
                knows = "is missing" if seen is None else f"knows of change {seen}"
                raise VaultError(
                    f"{self.path} ends at change {counter}, and {self._counter.path} {knows}: an "
                    "older copy was put back, and people who were removed may be in it. If that "
                    "was you, restoring a backup, accept it with `edge-door people accept-backup`."
                )
            yield tables

    @contextmanager
    def rewriting(self, keys: Keys | None = None) -> Iterator[Tables]:
        """As `changing`, where the same is said in another form: it is no change to be counted.

        `keys`: those of a new device key, under which it is sealed from then on. Whoever goes on
        opens the database again.
        """
        with self._store.transaction():
            counter, tables = self._checked()
            yield tables
            self._keys = keys or self._keys
            self._seal(counter)
        self._store.empty_log()

    def renew(self) -> None:
        """Seal as this edge-door does what an older one has sealed."""
        with self._store.snapshot():
            _, counter, mac = self._head()
            older = hmac.compare_digest(mac, self._older_mac(counter))
        if older:
            with self.rewriting():
                pass

    def recheck(self, count: int) -> None:
        """Check it as it is on the disk, with the secrets of the next `count` people."""
        self._digests.forget(count)
        self._store.query("PRAGMA shrink_memory")  # what SQLite keeps of the file is not the file
        with self.reading():
            pass

    @contextmanager
    def changing(self) -> Iterator[Tables]:
        """One durable change: checked before, sealed after, and no trace of the old left.

        Hands over what `reading` does, from before the change.
        """
        self.stand()
        try:
            with self._store.transaction():
                counter, tables = self._checked()
                yield tables
                self._seal(counter + 1)
        except BaseException:
            self._digests.forget()  # some of them are of rows that never came to be
            raise
        self._remember()
        self._store.empty_log()

    def changes(self) -> int:
        """How often the database was changed, by its seal."""
        with self._store.snapshot():
            counter, _ = self._checked()
        return counter

    def accept(self) -> None:
        """Take an older database, as a change newer than any that was seen."""
        with self._store.transaction():
            counter, _ = self._checked()
            self._seal(max(counter, self._counter.read() or 0) + 1)
        self._remember()

    def begin(self) -> None:
        """Make the seal of a new database; one that is there stays."""
        with self._store.transaction():
            begun = self._store.query("SELECT device FROM seal")
            if not begun:
                self._store.query("INSERT INTO seal VALUES (1, ?, 0, x'')", (self._device,))
                self._seal(0)
        if not begun and self._counter.read() is None:
            self._counter.write(0)

    def _remember(self) -> None:
        # Holding the database's write lock, so that two writers cannot set the number back.
        with self._store.transaction():
            ((counter,),) = self._store.query("SELECT counter FROM seal")
            self._counter.write(counter)

    def _checked(self) -> tuple[int, Tables]:
        """The change counter and all rows, once device and seal are found to be ours."""
        device, counter, mac = self._head()
        if device != self._device:
            raise AnotherDoorsError(
                f"{self.path} belongs to the device {device!r}, and this is {self._device!r}. Set "
                "device.id back. Where nobody was enrolled yet, `edge-door init` begins anew.",
                device,
            )
        tables = self._read()
        right = hmac.compare_digest(mac, self._mac(counter, tables))
        if not right and not hmac.compare_digest(mac, self._older_mac(counter)):
            self._digests.forget()  # once it is mended it is read as it is then
            raise VaultError(
                f"{self.path} was changed by another program, or was made with another key "
                "file. Restore both from one backup, or move the database away and enrol again."
            )
        return counter, tables

    def _head(self) -> tuple[str, int, bytes]:
        """Device, counter and seal, as they stand there."""
        head = self._store.query("SELECT device, counter, mac FROM seal")
        if len(head) != 1 or not isinstance(head[0][2], bytes):
            raise VaultError(f"{self.path} is damaged: restore it from a backup.")
        device, counter, mac = head[0]
        return device, counter, mac

    def _seal(self, counter: int) -> None:
        mac = self._mac(counter, self._read())
        self._store.query("UPDATE seal SET counter = ?, mac = ?", (counter, mac))

    def _read(self) -> Tables:
        rest = {table: self._all(table) for table in self._tables if table != _PEOPLE}
        return {_PEOPLE: self._digests.rows(), **rest}

    def _all(self, table: str) -> list[Row]:
        return self._store.query(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608 - ours

    def _mac(self, counter: int, tables: Tables) -> bytes:
        message = b"people's hashes " + canonical([self._device, counter, tables])
        return hmac.digest(self._keys.seal, message, "sha256")

    def _older_mac(self, counter: int) -> bytes:
        """As an older edge-door sealed: over the secrets themselves, and the tables that it had."""
        tables = {name: self._all(name) for name in self._tables}
        told = {name: rows for name, rows in tables.items() if rows or name in _FIRST_TABLES}
        message = b"people " + canonical([self._device, counter, told])
        return hmac.digest(self._keys.seal, message, "sha256")


def canonical(value: object) -> bytes:
    """Compact JSON; bytes in hex."""
    # ASCII JSON also spells the lone surrogates that stand for damaged bytes.
    return json.dumps(value, separators=(",", ":"), default=bytes.hex).encode("ascii")
