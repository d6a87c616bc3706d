"""People and their templates, encrypted; changed by nobody without the key.

Each person has a data key of their own (AES-256-GCM), wrapped by a key from the key file.
Everything in a person's row is authenticated with it together with the device's id, so a row does
not open under another name, another person's key, an older generation or on another device. One
seal (HMAC-SHA256) over the device, the change counter and all rows notices rows that were added,
removed or put back; the counter beside the key notices when the whole database was.

Removing a person overwrites the wrapped key and the templates in the database (secure_delete) and
its log. Flash may keep old copies of a page where only a laboratory finds them; they open only
with the key file.
"""

from __future__ import annotations

import hmac
import json
import os
import time
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import EnrolmentError, UsageError, VaultError
from edge.ledger.counter import Counter
from edge.ledger.key import KEY_BYTES, Keys, create_key, load_keys
from edge.ledger.store import Schema, Store
from edge.records import Template

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from typing_extensions import Self

    from edge.ledger.store import Row

MAX_NAME = 64

_NONCE_BYTES = 12

_SCHEMA = Schema(
    name="people database",
    error=VaultError,
    application_id=0x45445631,  # "EDV1"
    mode=0o600,
    migrations=(
        (
            """CREATE TABLE vault (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                device TEXT NOT NULL,
                counter INTEGER NOT NULL,
                seal BLOB NOT NULL
            ) STRICT""",
            """CREATE TABLE people (
                id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again for someone else
                name TEXT NOT NULL,
                folded TEXT NOT NULL UNIQUE, -- the name without case
                enrolled REAL NOT NULL,
                captures INTEGER NOT NULL,
                model TEXT NOT NULL,
                generation INTEGER NOT NULL,
                data_key BLOB NOT NULL, -- nonce, wrapped key
                vectors BLOB NOT NULL -- nonce, encrypted float32
            ) STRICT""",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is enrolled; known without opening any template."""

    name: str
    enrolled: float
    """Wall time of the enrolment, seconds since the Unix epoch."""
    captures: int
    model: str
    """SHA-256 of the model that made the template."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    name: str
    folded: str
    enrolled: float
    captures: int
    model: str
    generation: int
    data_key: bytes
    vectors: bytes

    def bound_to(self, device: str) -> bytes:
        """What the ciphers authenticate beside the secret."""
        return _canonical(
            [device, self.id, self.name, self.enrolled, self.captures, self.model, self.generation]
        )


_PEOPLE = """SELECT id, name, folded, enrolled, captures, model, generation, data_key, vectors
    FROM people ORDER BY id"""


class Vault:
    """The open people database. One thread; any number of processes.

    Every method raises VaultError when the database was changed by another hand, is not of this
    key or device, or is older than what this key has seen.
    """

    def __init__(self, store: Store, keys: Keys, counter: Counter, device: str) -> None:
        self._store = store
        self._keys = keys
        self._counter = counter
        self._device = device

    @staticmethod
    def create_key(path: Path) -> None:
        """Make the key file, once in a device's life. See `edge.ledger.key.create_key`."""
        create_key(path)

    @classmethod
    def open(cls, db: Path, key_file: Path, device: str, *, accept_older: bool = False) -> Self:
        """Open the people of `device`, or begin with nobody.

        `accept_older` takes a database that is older than the counter beside the key: for
        someone who has restored a backup on purpose.
        """
        keys = load_keys(key_file)
        counter = Counter(key_file.with_suffix(".counter"), keys.seal)
        store = Store.open(db, _SCHEMA)
        vault = cls(store, keys, counter, device)
        try:
            vault._begin()
            if accept_older:
                vault._accept()
            vault.people()
        except BaseException:
            store.close()
            raise
        return vault

    def people(self) -> list[Person]:
        """Everybody enrolled, by name."""
        return [Person(r.name, r.enrolled, r.captures, r.model) for r in self._rows()]

    def templates(self, model: str) -> tuple[Template, ...]:
        """Everybody's template, by name.

        Raises:
            VaultError: also when a template was made by another model than `model` (SHA-256).
        """
        rows = self._rows()
        foreign = [row.name for row in rows if row.model != model]
        if foreign:
            raise VaultError(
                f"{', '.join(foreign)}: enrolled with another model than the one in use "
                f"({model[:12]}), and their vectors cannot be compared. Remove them with "
                "`edge-door people remove` and enrol them again, or configure the earlier model."
            )
        return tuple(Template(row.name, self._decrypt(row), row.model) for row in rows)

    def add(self, template: Template) -> None:
        """Enrol a person.

        Raises:
            UsageError: the name is not one.
            EnrolmentError: somebody of that name is enrolled already.
        """
        name = proper_name(template.person)
        with self._changing() as rows:
            _refuse_taken(rows, name)
            # The row's own id is part of what is authenticated: take it first.
            self._store.query(
                "INSERT INTO people VALUES (NULL, ?, ?, 0, 0, '', 0, x'', x'')",
                (name, _folded(name)),
            )
            ((number,),) = self._store.query("SELECT last_insert_rowid()")
            self._write(number, 1, name, time.time(), template)

    def replace(self, template: Template) -> None:
        """Give an enrolled person a new template, under a new key.

        Raises:
            UsageError: nobody has that name.
        """
        with self._changing() as rows:
            row = _find(rows, template.person)
            self._write(row.id, row.generation + 1, row.name, time.time(), template)

    def rename(self, old: str, new: str) -> None:
        """Change a person's name.

        Raises:
            UsageError: nobody has the old name, or the new one is not a name.
            EnrolmentError: somebody else has the new name.
        """
        name = proper_name(new)
        with self._changing() as rows:
            row = _find(rows, old)
            _refuse_taken([other for other in rows if other is not row], name)
            template = Template(name, self._decrypt(row), row.model)
            self._write(row.id, row.generation + 1, name, row.enrolled, template)

    def remove(self, name: str) -> None:
        """Forget a person: their key is overwritten, then the row goes.

        Raises:
            UsageError: nobody has that name.
        """
        with self._changing() as rows:
            self._store.query("DELETE FROM people WHERE id = ?", (_find(rows, name).id,))

    def changed(self) -> bool:
        """Whether another process has written since the last call (or since opening)."""
        return self._store.changed()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        with self._store.transaction():
            begun = self._store.query("SELECT device FROM vault")
            if not begun:
                self._store.query("INSERT INTO vault VALUES (1, ?, 0, x'')", (self._device,))
                self._seal(0)
        if not begun and self._counter.read() is None:
            self._counter.write(0)

    def _accept(self) -> None:
        """Take an older database, as a change newer than any that was seen."""
        with self._store.transaction():
            counter, _ = self._checked()
            self._seal(max(counter, self._counter.read() or 0) + 1)
        self._remember()

    @contextmanager
    def _changing(self) -> Iterator[list[_Row]]:
        """One durable change: checked before, sealed after, and no trace of the old left."""
        with self._store.transaction():
            counter, rows = self._checked()
            yield rows
            self._seal(counter + 1)
        self._remember()
        self._store.empty_log()

    def _remember(self) -> None:
        # Holding the database's write lock, so that two writers cannot set the number back.
        with self._store.transaction():
            ((counter,),) = self._store.query("SELECT counter FROM vault")
            self._counter.write(counter)

    def _rows(self) -> list[_Row]:
        # The number beside the key is read first: a change between the two reads only makes
        # the database newer than it.
        seen = self._counter.read()
        with self._store.snapshot():
            counter, rows = self._checked()
        if counter < (seen or 0) or (seen is None and counter):
            knows = "is missing" if seen is None else f"knows of change {seen}"
            raise VaultError(
                f"{self._store.path} ends at change {counter}, and {self._counter.path} {knows}: "
                "an older copy was put back, and people who were removed may be in it. If that "
                "was you, restoring a backup, accept it with `edge-door people accept-backup`."
            )
        return sorted(rows, key=lambda row: row.folded)

    def _checked(self) -> tuple[int, list[_Row]]:
        """The change counter and all rows, once device and seal are found to be ours."""
        head = self._store.query("SELECT device, counter, seal FROM vault")
        if len(head) != 1:
            raise VaultError(f"{self._store.path} is damaged: restore it from a backup.")
        device, counter, seal = head[0]
        if device != self._device:
            raise VaultError(
                f"{self._store.path} belongs to the device {device!r}, and this is "
                f"{self._device!r}. Set device.id back, or enrol the people here again."
            )
        rows = self._store.query(_PEOPLE)
        if not (isinstance(seal, bytes) and hmac.compare_digest(seal, self._mac(counter, rows))):
            raise VaultError(
                f"{self._store.path} was changed by another program, or was made with another key "
                "file. Restore both from one backup, or move the database away and enrol again."
            )
        return counter, [_Row(*row) for row in rows]

    def _seal(self, counter: int) -> None:
        mac = self._mac(counter, self._store.query(_PEOPLE))
        self._store.query("UPDATE vault SET counter = ?, seal = ?", (counter, mac))

    def _mac(self, counter: int, rows: list[Row]) -> bytes:
        message = _canonical([self._device, counter, rows])
        return hmac.digest(self._keys.seal, b"people " + message, "sha256")

    def _write(
        self, number: int, generation: int, name: str, enrolled: float, template: Template
    ) -> None:
        vectors = np.atleast_2d(template.vectors).astype("<f4")
        if not vectors.size or not np.isfinite(vectors).all():
            raise EnrolmentError(f"{name}: a template is one or more finite vectors.")
        bare = (name, _folded(name), enrolled, len(vectors), template.model, generation)
        bound = _Row(number, *bare, b"", b"").bound_to(self._device)
        data_key = os.urandom(KEY_BYTES)
        self._store.query(
            "UPDATE people SET name = ?, folded = ?, enrolled = ?, captures = ?, model = ?, "
            "generation = ?, data_key = ?, vectors = ? WHERE id = ?",
            (
                *bare,
                _encrypt(self._keys.wrap, data_key, b"key " + bound),
                _encrypt(data_key, vectors.tobytes(), b"vectors " + bound),
                number,
            ),
        )

    def _decrypt(self, row: _Row) -> NDArray[np.float32]:
        bound = row.bound_to(self._device)
        try:
            data_key = _open(self._keys.wrap, row.data_key, b"key " + bound)
            plain = _open(data_key, row.vectors, b"vectors " + bound)
            return np.frombuffer(plain, dtype="<f4").reshape(row.captures, -1)
        except (InvalidTag, ValueError) as error:
            raise VaultError(
                f"The template of {row.name} in {self._store.path} does not open with this key: "
                "it was changed. Remove them and enrol them again."
            ) from error


def proper_name(name: str) -> str:
    """`name` in its composed Unicode form.

    Raises:
        UsageError: it is empty, too long, begins or ends with a space, or holds characters that
            do not print.
    """
    composed = unicodedata.normalize("NFC", name)
    if not 1 <= len(composed) <= MAX_NAME or not composed.isprintable():
        raise UsageError(f"{name!r} is not a name: use 1 to {MAX_NAME} printable characters.")
    if composed != composed.strip():
        raise UsageError(f"{name!r} is not a name: it begins or ends with a space.")
    return composed


def _find(rows: list[_Row], name: str) -> _Row:
    for row in rows:
        if row.folded == _folded(name):
            return row
    enrolled = ", ".join(sorted(row.name for row in rows)) or "nobody"
    raise UsageError(f"Nobody here is called {name!r}. Enrolled: {enrolled}.")


def _refuse_taken(rows: list[_Row], name: str) -> None:
    for row in rows:
        if row.folded == _folded(name):
            raise EnrolmentError(
                f"{row.name} is enrolled already. Choose another name, or remove them first."
            )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _open(key: bytes, secret: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], bound)


def _canonical(value: object) -> bytes:
    # ASCII JSON also spells the lone surrogates that stand for damaged bytes.
    return json.dumps(value, separators=(",", ":"), default=bytes.hex).encode("ascii")
