"""Templates in the rows of `people`: AES-256-GCM under a key of each person's own, wrapped.

What is encrypted is turned by the device's rotation (`edge.access.rotation`) before. A removed
person's key is overwritten with their row, so no copy of the page shows the template.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import EnrolmentError, VaultError
from edge.names import folded
from edge.records import Template
from edge.vault.key import KEY_BYTES
from edge.vault.people import PersonRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.access.rotation import Rotation
    from edge.records import Floats
    from edge.vault.key import Keys
    from edge.vault.sealed import SealedStore

_NONCE_BYTES = 12


class Templates:
    """Writes and reads them, turned. Whatever writes wants a change of the store around it."""

    def __init__(self, store: SealedStore, keys: Keys, device: str) -> None:
        self._store = store
        self._keys = keys
        self._device = device

    @cached_property
    def rotation(self) -> Rotation:
        """What turns a vector as this device's templates are."""
        from edge.access.rotation import Rotation

        return Rotation(self._keys.rotation)

    def turned(self, template: Template) -> Template:
        """A template of plain vectors, as this device keeps it.

        Raises:
            EnrolmentError: it is no template.
        """
        import numpy as np

        vectors = np.atleast_2d(template.vectors)
        if not vectors.size or not np.isfinite(vectors).all():
            raise EnrolmentError(f"{template.person}: a template is one or more finite vectors.")
        return replace(template, vectors=self.rotation(vectors))

    def insert(self, name: str, enrolled: float, template: Template) -> int:
        """A new person's row; returns its id. The name must be a proper and free one."""
        # The row's own id is part of what is authenticated: take it first.
        self._store.query(
            "INSERT INTO people VALUES (NULL, ?, ?, 0, 0, '', 0, x'', x'')", (name, folded(name))
        )
        ((number,),) = self._store.query("SELECT last_insert_rowid()")
        self._write(PersonRow(number, name, folded(name), enrolled, 0, "", 1), template)
        return int(number)

    def update(self, row: PersonRow, name: str, enrolled: float, template: Template) -> None:
        """Another name or template, under a new key."""
        generation = row.generation + 1
        fresh = PersonRow(row.id, name, folded(name), enrolled, 0, "", generation)
        self._write(fresh, template)

    def read(self, row: PersonRow) -> Floats:
        """The vectors `(captures, d)`; inside the reading or change that gave the row.

        Raises:
            VaultError: the row was changed, or is of another key.
        """
        import numpy as np

        bound = row.bound_to(self._device)
        ((wrapped, vectors),) = self._store.query(
            "SELECT data_key, vectors FROM people WHERE id = ?", (row.id,)
        )
        try:
            data_key = _open(self._keys.wrap, wrapped, b"key " + bound)
            plain = _open(data_key, vectors, b"vectors " + bound)
            return np.frombuffer(plain, dtype="<f4").reshape(row.captures, -1)
        except (InvalidTag, ValueError) as error:
            raise VaultError(
                f"The template of {row.name} in {self._store.path} does not open with this key: "
                "it was changed. Remove them and enrol them again."
            ) from error

    def rekey(self, rows: Sequence[PersonRow], new: Templates) -> None:
        """Encrypt all of them under another device key, turned by its rotation."""
        for row in rows:
            plain = Template(row.name, self.rotation.back(self.read(row)), row.model)
            new.update(row, row.name, row.enrolled, new.turned(plain))

    def _write(self, row: PersonRow, template: Template) -> None:
        vectors = template.vectors.astype("<f4")
        bare = (
            row.name,
            row.folded,
            row.enrolled,
            len(vectors),
            template.model,
            row.generation,
        )
        bound = PersonRow(row.id, *bare).bound_to(self._device)
        data_key = os.urandom(KEY_BYTES)
        self._store.query(
            "UPDATE people SET name = ?, folded = ?, enrolled = ?, captures = ?, model = ?, "
            "generation = ?, data_key = ?, vectors = ? WHERE id = ?",
            (
                *bare,
                _encrypt(self._keys.wrap, data_key, b"key " + bound),
                _encrypt(data_key, vectors.tobytes(), b"vectors " + bound),
                row.id,
            ),
        )


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _open(key: bytes, secret: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], bound)
