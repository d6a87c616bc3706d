"""Keys of before, by which cards and PINs were hashed: a hash cannot be made anew without the card.

When the device key changes, each hash is hashed once more under the new one. So a card is looked up
through all keys in turn, and none of them alone, nor the old ones together, can try a number.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import VaultError

if TYPE_CHECKING:
    from edge.vault.key import Keys
    from edge.vault.sealed import SealedStore, Tables

TABLE = """CREATE TABLE earlier (
    id INTEGER PRIMARY KEY, -- the order in which they were made
    secret BLOB NOT NULL -- nonce, encrypted keys for cards and PINs
) STRICT"""

_NONCE, _KEY = 12, 32
_BOUND = b"edge-door earlier key"
# 16 MiB and about 50 ms on a desktop, a few times that on a Pi: between frames, not during one.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}


@dataclass(frozen=True, slots=True, repr=False)
class Hashing:
    """One device key's part in it."""

    card: bytes
    pin: bytes


class Hashes:
    """The hashes of cards and PINs, through every key there was and the one there is."""

    def __init__(self, chain: tuple[Hashing, ...]) -> None:
        self._chain = chain
        self._first, *self._later = chain

    @classmethod
    def of(cls, tables: Tables, keys: Keys) -> Hashes:
        """As the database has them.

        Raises:
            VaultError: they do not open with this key.
        """
        try:
            plain = [
                AESGCM(keys.wrap).decrypt(secret[:_NONCE], secret[_NONCE:], _BOUND)
                for _, secret in tables["earlier"]
            ]
        except (InvalidTag, ValueError) as error:
            raise VaultError("The earlier keys of cards and PINs do not open: restore.") from error
        chain = [Hashing(each[:_KEY], each[_KEY:]) for each in plain]
        return cls((*chain, Hashing(keys.card, keys.pin)))

    def card(self, number: str) -> bytes:
        """Of a card's number."""
        secret = hmac.digest(self._first.card, number.encode(), "sha256")
        for key in self._later:
            secret = hmac.digest(key.card, secret, "sha256")
        return secret

    def pin(self, digits: str) -> bytes:
        """Of a PIN."""
        secret = hashlib.scrypt(digits.encode(), salt=self._first.pin, **_SCRYPT)
        for key in self._later:
            secret = hmac.digest(key.pin, secret, "sha256")
        return secret

    def keep(self, store: SealedStore, keys: Keys) -> None:
        """Write all of these as earlier ones, under new keys; inside a change of the store."""
        store.query("DELETE FROM earlier")
        for each in self._chain:
            nonce = os.urandom(_NONCE)
            secret = nonce + AESGCM(keys.wrap).encrypt(nonce, each.card + each.pin, _BOUND)
            store.query("INSERT INTO earlier VALUES (NULL, ?)", (secret,))
