"""The office's secrets: one file of 32 random bytes, and what is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.roster.canonical import to_base64
from edge.roster.envelope import SEED_BYTES, DoorKey
from edge.vault.key import create_key, derive, read_key

if TYPE_CHECKING:
    from pathlib import Path


class OfficeKeys:
    """The people key, and the key under which the book keeps templates."""

    def __init__(self, path: Path) -> None:
        """Read the key file.

        Raises:
            VaultError: it is missing, damaged, or others may read it.
        """
        root = read_key(path)
        self.signing = Ed25519PrivateKey.from_private_bytes(derive(root, b"people"))
        """Signs lists of people."""
        self.offers = DoorKey(derive(root, b"offers", SEED_BYTES))
        """Opens what doors have captured for this office."""
        self.book = derive(root, b"book")
        """AES-256-GCM key of what the book keeps sealed."""

    @staticmethod
    def create(path: Path) -> None:
        """Make the key file, once. See `edge.vault.key.create_key`."""
        create_key(path)

    @property
    def public(self) -> str:
        """For [people] keys at every door: base64 of the raw Ed25519 public key."""
        return to_base64(self.signing.public_key().public_bytes_raw())
