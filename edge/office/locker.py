"""Templates, cards and PINs as the book keeps them: AES-256-GCM, a row each, the office's key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import RosterError, UsageError
from edge.roster.envelope import MAX_CONTENT, TRAVELS_AS, Content
from edge.vault.credentials import require_proper

if TYPE_CHECKING:
    from edge.office.rows import Person

_NONCE_BYTES = 12
_NUMBERS = "<f4"


class Locker:
    """Closes and opens them, bound to the person and the network."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def lock(self, person: Person, content: Content) -> bytes:
        """For the row of a person.

        Raises:
            UsageError: it is more than an envelope can take to a door, or a card or PIN is none.
            RosterError: no door could read the template.
        """
        travels = content.to_json(TRAVELS_AS)
        Content.from_json(travels, TRAVELS_AS, f"the template of {person.name}")
        require_proper(content.cards, content.pin)
        size = len(travels)
        if size > MAX_CONTENT:
            raise UsageError(
                f"{len(content.vectors)} captures make an envelope of {size} bytes, and brokers "
                f"take {MAX_CONTENT}: enrol with fewer pictures."
            )
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content.to_json(_NUMBERS), _bound(person))

    def open(self, person: Person, secret: bytes) -> Content:
        """What `lock` closed.

        Raises:
            RosterError: the row was changed, or the book is another office's.
        """
        nonce, closed = secret[:_NONCE_BYTES], secret[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, closed, _bound(person))
        except InvalidTag as error:
            raise RosterError(
                f"what the book holds of {person.name} does not open with this key: it was "
                "changed, or the key file is another office's"
            ) from error
        return Content.from_json(plain, _NUMBERS, "the book")


def _bound(person: Person) -> bytes:
    return f"{person.person} {person.model}".encode()
